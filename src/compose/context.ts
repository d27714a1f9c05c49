import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Config, Secrets } from "../config/config.ts";
import { StopSwitch } from "../tasks/stop-switch.ts";
import { ServiceAddress } from "./address.ts";
import { openAdmin } from "./admin.ts";
import { endWithCredentials } from "./credentials.ts";
import { watchDesktops } from "./desktop-changes.ts";
import { openDesktops } from "./desktops.ts";
import { openEvents } from "./events.ts";
import type { Foundation } from "./foundation.ts";
import { openKeys } from "./keys.ts";
import { Maintenance } from "./maintenance.ts";
import { openNotifications } from "./notifications.ts";
import { openPeople } from "./people.ts";
import { openPolicy } from "./policy.ts";
import { openServer } from "./server.ts";
import { recordReload, recordStart } from "./service-audit.ts";
import { openStorage } from "./storage.ts";
import { openTakeovers } from "./takeovers.ts";
import { openTaskReader, openTasks } from "./tasks.ts";
import { openTools } from "./tools.ts";

export interface ContextOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly log: Logger;
  /** Tells the log which secrets it masks from now on. */
  readonly redact: (secrets: readonly string[]) => void;
}

/** The whole service, built and not yet listening. */
export interface Context extends AsyncDisposable {
  readonly app: FastifyInstance;
  /** A link for the first operator, while there is none: for the eyes of whoever starts the program. */
  firstLink(): { readonly url: string; readonly expires_at: string } | undefined;
  /** Reads policy, keys and webhooks anew, as a change of their files would. */
  reload(): void;
}

/**
 * Builds every long-lived object once, in order; what was built is disposed in reverse, also where
 * a later one fails. Throws StartupError and what the parts throw.
 */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { config, log } = options;
  const foundation: Foundation = { ...options, address: new ServiceAddress(config) };
  await using building = new AsyncDisposableStack();

  const storage = building.use(await openStorage(foundation));
  const { store, headFile, artifacts } = storage;
  const policy = building.use(openPolicy(foundation));
  const keys = building.use(await openKeys(foundation, store.keys));
  const people = building.use(await openPeople(foundation, store.people, policy));
  /** Keys and people that hold at this moment. */
  const findPrincipal = (keyId: string) => keys.ring.principal(keyId) ?? people.principal(keyId);
  const opened = building.use(await openDesktops(foundation, policy, findPrincipal));
  const { desktops } = opened;

  const stopSwitch = await StopSwitch.open(store.settings);
  const reader = openTaskReader(foundation, storage);
  const tasks = building.use(
    openTasks(foundation, {
      storage,
      reader,
      stopSwitch,
      desktops,
      policy,
      keys,
      people,
      findPrincipal,
    }),
  );
  const notifications = building.use(await openNotifications(foundation, store, reader));
  await recordStart(store.audit, policy.current, config.driver);
  await headFile.write();
  const takeovers = building.use(
    await openTakeovers({
      desktops,
      lockManager: tasks.lockManager,
      handovers: tasks.handovers,
      settings: store.settings,
      audit: store.audit,
      stopSwitch,
      people,
      policy: () => policy.current,
      log,
    }),
  );
  await tasks.recover();
  building.use(
    new Maintenance({
      tasks: store.tasks,
      replays: store.replays,
      artifacts,
      notifications,
      retentionDays: config.retentionDays,
      log,
    }),
  );

  const events = openEvents(foundation, store.events);
  const tools = building.use(
    openTools(foundation, {
      tasks,
      events: store.events,
      artifacts,
      desktops,
      policy,
      findPrincipal,
    }),
  );
  const admin = building.use(openAdmin(foundation, store, policy, findPrincipal));
  endWithCredentials(
    foundation,
    { keys, people, policy },
    { ...tools, ...takeovers, events, tasks, views: takeovers.vnc, desktops: opened },
  );
  keys.source.onReload(() => tools.mcp.toolsChanged());
  watchDesktops(
    desktops.all,
    () => tools.mcp.toolsChanged(),
    (err) => log.error({ err }, "a desktop's self-tests failed"),
  );
  policy.onReload((present) => {
    recordReload(store.settings, present).catch((err: unknown) =>
      log.error({ err }, "the reload of the policy could not be recorded"),
    );
  });

  const app = openServer(foundation, {
    storage,
    policy,
    keys,
    people,
    findPrincipal,
    desktops,
    tasks,
    notifications,
    takeovers,
    events,
    tools,
    admin,
  });
  building.defer(() => app.close());

  const built = building.move();
  return {
    app,
    firstLink: () => people.firstLink(),
    reload() {
      notifications.reload();
      policy.reload();
      keys.source.reload();
    },
    [Symbol.asyncDispose]: () => built.disposeAsync(),
  };
}
