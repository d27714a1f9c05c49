import type { Logger } from "pino";
import { KeyService } from "../auth/key-service.ts";
import type { KeySource } from "../auth/key-source.ts";
import type { KeyStore } from "../auth/key-store.ts";
import { KeyUse } from "../auth/key-use.ts";
import { ManagedKeys } from "../auth/managed-keys.ts";
import { capabilities } from "../capabilities/registry.ts";
import { BUILT_IN_IDS } from "../config/clients.ts";

export interface OpenKeysOptions {
  readonly source: KeySource;
  readonly store: KeyStore;
  readonly desktops: () => readonly string[];
  readonly log: Logger;
}

/** The keys of the console, joined with those of the configuration from now on. */
export interface OpenedKeys extends AsyncDisposable {
  readonly service: KeyService;
  readonly managed: ManagedKeys;
  readonly use: KeyUse;
}

export async function openKeys({
  source,
  store,
  desktops,
  log,
}: OpenKeysOptions): Promise<OpenedKeys> {
  await using building = new AsyncDisposableStack();
  const use = building.use(
    await KeyUse.open(store, {
      onError: (err) => log.error({ err }, "when keys were used could not be recorded"),
    }),
  );
  const managed = building.use(
    await ManagedKeys.open({
      store,
      actions: [...capabilities.keys()],
      desktops,
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
  source.onReload(() => warnOfShadowed(source, log));
  const service = new KeyService({ source, managed, use });
  const built = building.move();
  return { service, managed, use, [Symbol.asyncDispose]: () => built.disposeAsync() };
}

function warnOfShadowed({ shadowed }: KeySource, log: Logger): void {
  for (const [keyId, problem] of shadowed) {
    log.warn({ key_id: keyId, problem }, "a key of the console does not count");
  }
}
