import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArtifactFiles } from "../../src/artifacts/artifact-files.ts";
import { Artifacts } from "../../src/artifacts/artifacts.ts";
import { createSealCheck, createSealer } from "../../src/audit/chain.ts";
import type { CapabilityRegistry } from "../../src/capabilities/capability.ts";
import { capabilities } from "../../src/capabilities/registry.ts";
import type { CapabilityPolicy } from "../../src/contract/policy.ts";
import type { Principal } from "../../src/contract/principal.ts";
import { buildPolicy } from "../../src/policy/build-policy.ts";
import { openStore } from "../../src/store/sqlite/store.ts";
import { Desktops, type NamedDesktop } from "../../src/tasks/desktops.ts";
import type { Driver } from "../../src/tasks/driver.ts";
import { StopSwitch } from "../../src/tasks/stop-switch.ts";
import { TaskEngine } from "../../src/tasks/task-engine.ts";
import { TaskReader } from "../../src/tasks/task-reader.ts";
import { principalOf } from "../support/tasks/fixtures.ts";

export const REQUESTER = principalOf("default", "plan", "execute", "read");
export const APPROVER = principalOf("approver", "confirm", "read");

const KEYS = [REQUESTER, APPROVER];

/** An engine over a real store in a folder of its own; every action runs on the requester's word. */
export async function startEngine(options: {
  readonly driver: Driver;
  readonly desktops?: readonly [NamedDesktop, ...NamedDesktop[]];
  readonly capabilities?: Readonly<Record<string, CapabilityPolicy>>;
  /** Keys besides those two; asked anew each time. */
  readonly keys?: () => readonly Principal[];
  /** Every action there is; those of this version where nothing is said. */
  readonly registry?: CapabilityRegistry;
  /** An earlier engine's folder. */
  readonly folder?: string;
}) {
  const registry = options.registry ?? capabilities;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "bytebot-tasks-"));
  const store = openStore({ file: join(folder, "gateway.db"), seal: createSealer("a key") });
  const artifacts = new Artifacts(store.artifacts, await ArtifactFiles.open(join(folder, "files")));
  const policy = buildPolicy(
    {
      capabilities: Object.fromEntries(
        [...registry.keys()].map((action) => [
          action,
          { enabled: true, confirmation: "client", ...options.capabilities?.[action] },
        ]),
      ),
    },
    { actions: [...registry.keys()], protectedHosts: [] },
  );
  const engine = new TaskEngine({
    store: store.tasks,
    reader: new TaskReader({
      store: store.tasks,
      audit: store.audit,
      isSealed: createSealCheck("a key"),
    }),
    grants: store.grants,
    stopSwitch: await StopSwitch.open(store.settings),
    desktops: new Desktops(
      options.desktops ?? [{ name: "main", driver: options.driver, keys: null }],
    ),
    artifacts,
    capabilities: registry,
    policy: () => policy,
    findPrincipal: (keyId) =>
      [...(options.keys?.() ?? []), ...KEYS].find((key) => key.keyId === keyId),
    handsOf: (keyId) => new Set([keyId]),
    checkStepUp: async () => undefined,
    maxFileSize: 1024 * 1024,
    publicUrl: () => "http://localhost",
    onError: () => {},
    onCorrupted: () => {},
  });
  return {
    engine,
    store,
    artifacts,
    folder,
    /** Ends the store under the engine, as a crash would. */
    crash: () => store[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
