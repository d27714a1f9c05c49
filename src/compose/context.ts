import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { ArtifactFiles } from "../artifacts/artifact-files.ts";
import { Artifacts } from "../artifacts/artifacts.ts";
import { ACKNOWLEDGEMENT_FILE_NAME } from "../audit/acknowledgement.ts";
import { createSealCheck, createSealer } from "../audit/chain.ts";
import { Contradictions } from "../audit/contradictions.ts";
import { AuditHeadFile, HEAD_FILE_NAME } from "../audit/head-file.ts";
import { Authenticator } from "../auth/authenticator.ts";
import { ForwardedUser } from "../auth/forwarded-user.ts";
import { KeySource } from "../auth/key-source.ts";
import { type ViewedDesktop, viewCapabilities } from "../capabilities/capability-views.ts";
import { capabilities } from "../capabilities/registry.ts";
import { readKeys, readRevokedIds } from "../config/clients.ts";
import type { Config, Secrets } from "../config/config.ts";
import { prepareDirectories } from "../config/directories.ts";
import type { Principal } from "../contract/principal.ts";
import { EventHub } from "../events/event-hub.ts";
import { openGuard } from "../guard/guard.ts";
import { buildServer } from "../http/server.ts";
import { isLoopbackHost } from "../lib/loopback-host.ts";
import { VERSION } from "../lib/version.ts";
import { Mcp } from "../mcp/mcp.ts";
import { PolicySource } from "../policy/policy-source.ts";
import { RateLimiter } from "../policy/rate-limiter.ts";
import { claimDataDir } from "../store/sqlite/claim.ts";
import { applyStagedRestore } from "../store/sqlite/restore.ts";
import { openStore, type SqliteStore } from "../store/sqlite/store.ts";
import type { Desktops } from "../tasks/desktops.ts";
import { StopSwitch } from "../tasks/stop-switch.ts";
import { TaskEngine } from "../tasks/task-engine.ts";
import { TaskReader } from "../tasks/task-reader.ts";
import { Cards } from "../tools/cards/cards.ts";
import { TaskFeed } from "../tools/task-feed.ts";
import { ToolList } from "../tools/tool-list.ts";
import { ToolRunner } from "../tools/tool-runner.ts";
import { openAdmin } from "./admin.ts";
import { bind } from "./bind.ts";
import { watchDesktops } from "./desktop-changes.ts";
import { openDesktops } from "./desktops.ts";
import { openKeys } from "./keys.ts";
import { Maintenance } from "./maintenance.ts";
import { createMetrics } from "./metrics.ts";
import { openNotifications } from "./notifications.ts";
import { openPeople } from "./people.ts";
import { addressOf, protectedHosts } from "./protected-hosts.ts";
import { checkReadiness } from "./readiness.ts";
import { secretsOfKeys } from "./redaction.ts";
import { recordReload, recordStart } from "./service-audit.ts";
import { openTakeovers } from "./takeovers.ts";

export interface ContextOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly log: Logger;
  /** Tells the log what it must mask. */
  readonly redact: (secrets: readonly string[]) => void;
}

/** Room for what JSON and base64 add to the largest file. */
const BODY_OVERHEAD = 1.4;
const BODY_FLOOR = 64 * 1024;

/** The whole service, built and not yet listening. */
export interface Context extends AsyncDisposable {
  readonly app: FastifyInstance;
  /** A link for the first operator, while there is none: for the eyes of whoever starts the program. */
  firstLink(): { readonly url: string; readonly expires_at: string } | undefined;
  /** Reads policy and keys anew, as a change of their files would. */
  reload(): Promise<void>;
}

/**
 * Builds every long-lived object once, in order; what was built is disposed in reverse, also where
 * a later one fails. Throws StartupError and what the rooms throw.
 */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { config, secrets, log, redact } = options;
  await using building = new AsyncDisposableStack();
  const { dataDir } = config;
  prepareDirectories(config);
  building.use(claimDataDir(dataDir));
  applyStagedRestore(dataDir);

  const policy = building.use(openPolicy(config));
  const keys = building.use(
    new KeySource({
      file: config.clientsFile,
      load: () => {
        const definitions = readKeys(config, secrets);
        redact(secretsOfKeys(definitions));
        return definitions;
      },
      revokedIds: () => readRevokedIds(config),
    }),
  );
  const { ring } = keys;
  const store = building.use(
    openStore({ file: join(dataDir, "gateway.db"), seal: createSealer(secrets.auditKey), log }),
  );
  const openedKeys = building.use(
    await openKeys({
      source: keys,
      store: store.keys,
      desktops: () => opened.desktops.all.map(({ name }) => name),
      log,
    }),
  );
  const contradictions = await openContradictions(store, config, secrets, log);
  const headFile = building.use(await openHeadFile(store, config, secrets, contradictions, log));
  let { publicUrl, port } = config;
  const people = building.use(
    await openPeople({
      store: store.people,
      dataDir,
      publicUrl: () => publicUrl,
      port: () => port,
      policy: () => policy.current,
      log,
    }),
  );
  /** Keys and people that hold at this moment. */
  const findPrincipal = (keyId: string) => ring.principal(keyId) ?? people.principal(keyId);
  const guard = building.use(
    await bind(
      () =>
        openGuard({
          ...config.guard,
          key: config.driver === "bytebot" ? secrets.guardKey : undefined,
          capabilities,
          policy: () => policy.current,
          findPrincipal,
          maxFileSize: config.maxFileSize,
          log,
        }),
      config.guard,
      ["GUARD_HOST", "GUARD_PORT"],
    ),
  );
  const opened = building.use(
    await openDesktops({
      config,
      secrets,
      policy: () => policy.current,
      protectedHosts: () => [
        ...protectedHosts(config),
        addressOf(publicUrl),
        ...(guard.url === undefined ? [] : [addressOf(guard.url)]),
      ],
      guard,
      log,
    }),
  );
  const { desktops } = opened;
  const artifacts = new Artifacts(
    store.artifacts,
    await ArtifactFiles.open(join(dataDir, "artifacts")),
  );
  const stopSwitch = await StopSwitch.open(store.settings);
  const reader = new TaskReader({
    store: store.tasks,
    audit: store.audit,
    isSealed: createSealCheck(secrets.auditKey),
  });
  const engine = building.use(
    new TaskEngine({
      store: store.tasks,
      reader,
      grants: store.grants,
      stopSwitch,
      desktops,
      artifacts,
      capabilities,
      policy: () => policy.current,
      findPrincipal,
      handsOf: (keyId) => people.handsOf([keyId, ...(ring.principal(keyId)?.toldTo ?? [])]),
      checkStepUp: (principal, request, risk) => people.stepUp.check(principal, request, risk),
      maxFileSize: config.maxFileSize,
      publicUrl: () => publicUrl,
      onError: (err, taskId) =>
        log.error({ err, task_id: taskId }, "a task met an unforeseen error"),
      onCorrupted: (taskId, problem) =>
        log.error({ task_id: taskId, problem }, "what is stored of a task is not what was planned"),
    }),
  );
  const notifications = building.use(
    await openNotifications({
      config,
      secrets,
      store,
      tasks: reader,
      publicUrl: () => publicUrl,
      log,
      redact,
    }),
  );
  await recordStart(store.audit, policy.current, config.driver);
  await headFile.write();
  const takeovers = building.use(
    await openTakeovers({
      desktops,
      lockManager: engine.lockManager,
      handovers: engine.handovers,
      settings: store.settings,
      audit: store.audit,
      stopSwitch,
      people,
      policy: () => policy.current,
      log,
    }),
  );
  await engine.recover();
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

  const events = new EventHub(store.events, {
    onError: (err) => log.error({ err }, "events could not be read for a subscriber"),
  });
  const feed = building.use(new TaskFeed((listener) => store.events.onCommitted(listener)));
  const cards = new Cards({
    tasks: engine,
    feed,
    findPrincipal,
    publicUrl: () => publicUrl,
  });
  const capabilitiesOf = (principal: Principal | undefined) =>
    viewCapabilities(capabilities, policy.current, desktopsOf(desktops, principal), principal);
  const toolList = new ToolList({ registry: capabilities, capabilities: capabilitiesOf });
  const toolRunner = new ToolRunner({ tasks: engine, list: toolList, feed });
  const mcp = building.use(
    new Mcp({
      version: VERSION,
      log,
      list: toolList,
      runner: toolRunner,
      tasks: engine,
      feed,
      artifacts,
      findPrincipal,
    }),
  );
  const forwardedUser = new ForwardedUser(secrets.openWebUiJwtSecret);
  const revoke = (keyId: string) => {
    log.warn({ key_id: keyId }, "key revoked");
    events.closeKey(keyId);
    cards.endKey(keyId);
    mcp.endKey(keyId);
    engine
      .revoke(keyId)
      .catch((err: unknown) => log.error({ err, key_id: keyId }, "revoking failed"));
  };
  ring.onRevoked(revoke);
  people.onRevoked(revoke);
  people.onSessionEnded((_sessionId, keyId) => {
    // Those of the person's other sessions come back by themselves.
    events.closeKey(keyId);
    mcp.endKey(keyId);
  });
  openedKeys.managed.onTokenEnded((keyId) => {
    events.closeKey(keyId);
    mcp.endKey(keyId);
  });
  watchDesktops(
    desktops.all,
    () => mcp.toolsChanged(),
    (err) => log.error({ err }, "a desktop's self-tests failed"),
  );
  policy.onReload((present) => {
    log.info({ policy_digest: present.digest }, "policy reloaded");
    if (!present.security.anonymous_events) events.closeAnonymous();
    engine.recheckGrants();
    mcp.toolsChanged();
    opened
      .recheck()
      .catch((err: unknown) => log.error({ err }, "connections of the desktop were not rechecked"));
    recordReload(store.settings, present).catch((err: unknown) =>
      log.error({ err }, "the reload of the policy could not be recorded"),
    );
  });
  policy.onRefused((problem) =>
    log.error({ problem }, "policy file refused; the one before stays"),
  );
  keys.onReload(() => {
    log.info("keys reloaded");
    mcp.toolsChanged();
  });
  keys.onRefused((problem) => log.error({ problem }, "clients file refused; the keys before stay"));

  store.events.onCommitted((committed) => {
    if (!log.isLevelEnabled("debug")) return;
    for (const { id, event, task_id, owner, data } of committed) {
      // No message and no result: they may hold what a step read.
      const { progress, error } = data;
      log.debug({ event_id: id, event, task_id, key: owner, progress, error }, "event");
    }
  });

  const openedAdmin = building.use(
    openAdmin({ config, secrets, policy, store, findPrincipal, log }),
  );
  const metrics = createMetrics({
    tasks: store.tasks,
    events: store.events,
    auditHead: () => store.audit.head(),
    subscribers: () => events.size,
    stopped: () => engine.stopped,
  });
  const app = buildServer({
    version: VERSION,
    log,
    config,
    bodyLimit: Math.ceil(config.maxFileSize * BODY_OVERHEAD) + BODY_FLOOR,
    authenticator: new Authenticator({
      ring,
      replays: store.replays,
      security: () => policy.current.security,
      use: openedKeys.use,
    }),
    people,
    keys: { principal: findPrincipal },
    keyService: openedKeys.service,
    admin: openedAdmin.admin,
    policy,
    rateLimiter: new RateLimiter(),
    tasks: engine,
    grants: engine.grantService,
    events,
    audit: openedAdmin.audit,
    notifications,
    artifacts,
    desktops: takeovers,
    capabilities: capabilitiesOf,
    tools: {
      list: toolList,
      runner: toolRunner,
      cards,
      requestedBy: (headers) => forwardedUser.read(headers),
      publicUrl: () => publicUrl,
    },
    mcp,
    readiness: () =>
      checkReadiness({
        checkWrites: () => store.check(),
        auditProblem: async () => {
          await contradictions
            .check()
            .catch((err: unknown) =>
              log.error({ err }, "the acknowledgement could not be recorded"),
            );
          return contradictions.problem;
        },
        readStore: () => store.events.lastId(),
        desktops: () => desktops.all,
        policyProblem: () => policy.problem,
        keysProblem: () => keys.problem,
        webhooksProblem: () => notifications.problem,
        stopped: () => engine.stopped,
      }),
    metrics: metrics.registry,
    observe: metrics.observeAnswer,
  });
  building.defer(() => app.close());
  app.server.once("listening", () => {
    const bound = app.server.address();
    // PORT=0 leaves the choice to the system.
    if (typeof bound === "object") {
      port = bound?.port ?? port;
      publicUrl = publicUrl.replace(/:0$/, `:${port}`);
    }
    notifications.start();
  });

  const built = building.move();
  return {
    app,
    firstLink: () => people.firstLink(),
    async reload() {
      notifications.reload();
      await Promise.all([policy.reload(), keys.reload()]);
    },
    [Symbol.asyncDispose]: () => built.disposeAsync(),
  };
}

/** What a caller may use; a stranger is told of all, without their names. */
function desktopsOf(desktops: Desktops, principal: Principal | undefined): ViewedDesktop[] {
  const seen = principal === undefined ? desktops.all : desktops.of(principal);
  return seen.map(({ name, driver }) => ({
    name,
    availability: (action) => driver.availability(action),
  }));
}

function openPolicy(config: Config): PolicySource {
  return new PolicySource({
    file: config.policyFile,
    actions: [...capabilities.keys()],
    protectedHosts: protectedHosts(config),
    accept: (policy) =>
      policy.security.require_signature || isLoopbackHost(config.host)
        ? undefined
        : `security.require_signature is false and HOST is ${config.host}: without signatures the gateway binds loopback only`,
  });
}

function openContradictions(store: SqliteStore, config: Config, secrets: Secrets, log: Logger) {
  return Contradictions.open({
    settings: store.settings,
    store: store.audit,
    file: join(config.dataDir, ACKNOWLEDGEMENT_FILE_NAME),
    auditKey: secrets.auditKey,
    onAcknowledged: (by) => log.warn({ by }, "the contradiction of the audit log was acknowledged"),
    onRefused: (problem) => log.error({ problem }, "audit acknowledgement"),
  });
}

function openHeadFile(
  store: SqliteStore,
  config: Config,
  secrets: Secrets,
  contradictions: Contradictions,
  log: Logger,
) {
  return AuditHeadFile.open({
    store: store.audit,
    file: join(config.dataDir, HEAD_FILE_NAME),
    auditKey: secrets.auditKey,
    onExported: ({ seq, mac }) => log.info({ seq, mac }, "audit head"),
    onContradiction: (contradiction) => contradictions.record(contradiction),
    onProblem: (problem, err) => log.error({ err, problem }, "audit head"),
  });
}
