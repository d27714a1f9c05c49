import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArtifactFiles } from "../artifacts/artifact-files.ts";
import { Artifacts } from "../artifacts/artifacts.ts";
import { createSealer } from "../audit/chain.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { CapabilityPolicy } from "../contract/policy.ts";
import type { Principal, Scope } from "../contract/principal.ts";
import { buildPolicy } from "../policy/build-policy.ts";
import { openStore } from "../store/sqlite/store.ts";
import { Desktops, type NamedDesktop } from "./desktops.ts";
import type { Driver } from "./driver.ts";
import { StopSwitch } from "./stop-switch.ts";
import { TaskEngine } from "./task-engine.ts";

/** A driver that performs everything at once, where nothing else is said. */
export function createFakeDriver(parts: Partial<Driver> = {}): Driver {
  return {
    name: "fake",
    availability: () => ({ available: true }),
    inspect: async () => ({ bound: {}, raises: [] }),
    perform: async () => ({}),
    health: async () => undefined,
    [Symbol.asyncDispose]: async () => {},
    ...parts,
  };
}

export function principalOf(keyId: string, ...scopes: Scope[]): Principal {
  return {
    keyId,
    scheme: "hmac",
    scopes: new Set(scopes),
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
  };
}

export const REQUESTER = principalOf("default", "plan", "execute", "read");
export const APPROVER = principalOf("approver", "confirm", "read");

const KEYS = [REQUESTER, APPROVER];

/** An engine over a real store in a folder of its own; every action runs on the requester's word. */
export async function startEngine(options: {
  readonly driver: Driver;
  readonly desktops?: readonly [NamedDesktop, ...NamedDesktop[]];
  readonly capabilities?: Readonly<Record<string, CapabilityPolicy>>;
  /** An earlier engine's folder. */
  readonly folder?: string;
}) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "bytebot-tasks-"));
  const store = openStore({ file: join(folder, "gateway.db"), seal: createSealer("a key") });
  const artifacts = new Artifacts(store.artifacts, await ArtifactFiles.open(join(folder, "files")));
  const policy = buildPolicy(
    {
      capabilities: Object.fromEntries(
        [...capabilities.keys()].map((action) => [
          action,
          { enabled: true, confirmation: "client", ...options.capabilities?.[action] },
        ]),
      ),
    },
    { actions: [...capabilities.keys()], ownHosts: [] },
  );
  const engine = new TaskEngine({
    store: store.tasks,
    stopSwitch: await StopSwitch.open(store.settings),
    desktops: new Desktops(
      options.desktops ?? [{ name: "main", driver: options.driver, keys: null }],
    ),
    artifacts,
    capabilities,
    policy: () => policy,
    findPrincipal: (keyId) => KEYS.find((key) => key.keyId === keyId),
    maxFileSize: 1024 * 1024,
    publicUrl: () => "http://localhost",
    onError: () => {},
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
