import type { Logger } from "pino";
import type { KeyRing } from "../auth/key-ring.ts";
import { KeyService } from "../auth/key-service.ts";
import { KeySource } from "../auth/key-source.ts";
import type { KeyStore } from "../auth/key-store.ts";
import { KeyUse } from "../auth/key-use.ts";
import { ManagedKeys } from "../auth/managed-keys.ts";
import { capabilities } from "../capabilities/registry.ts";
import { BUILT_IN_IDS, readKeys, readRevokedIds } from "../config/clients.ts";
import { desktopNames } from "./desktops.ts";
import type { Foundation } from "./foundation.ts";
import { secretsOfKeys } from "./redaction.ts";

/** The keys of the configuration, joined with those that operators make in the console. */
export interface Keys extends AsyncDisposable {
  readonly ring: KeyRing;
  readonly source: KeySource;
  readonly managed: ManagedKeys;
  readonly service: KeyService;
  readonly use: KeyUse;
}

/** Throws StartupError where the configured keys cannot be used. */
export async function openKeys(
  { config, secrets, log, redact }: Foundation,
  store: KeyStore,
): Promise<Keys> {
  await using building = new AsyncDisposableStack();
  const source = building.use(
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
  const use = building.use(
    await KeyUse.open(store, {
      onError: (err) => log.error({ err }, "when keys were used could not be recorded"),
    }),
  );
  const managed = building.use(
    await ManagedKeys.open({
      store,
      actions: [...capabilities.keys()],
      desktops: () => desktopNames(config),
      placeOf: (keyId) =>
        source.placeOf(keyId) ??
        (BUILT_IN_IDS.includes(keyId) ? "it is a built-in key's id" : undefined),
      onChange: () => {
        source.refresh();
        warnOfShadowed(source, log);
      },
      onError: (err) => log.error({ err }, "the end of a key could not be recorded"),
    }),
  );
  source.join(managed);
  warnOfShadowed(source, log);
  source.onReload(() => {
    log.info("keys reloaded");
    warnOfShadowed(source, log);
  });
  source.onRefused((problem) =>
    log.error({ problem }, "clients file refused; the keys before stay"),
  );
  const service = new KeyService({ source, managed, use });
  const built = building.move();
  return {
    ring: source.ring,
    source,
    managed,
    service,
    use,
    [Symbol.asyncDispose]: () => built.disposeAsync(),
  };
}

function warnOfShadowed({ shadowed }: KeySource, log: Logger): void {
  for (const [keyId, problem] of shadowed) {
    log.warn({ key_id: keyId, problem }, "a key of the console does not count");
  }
}
