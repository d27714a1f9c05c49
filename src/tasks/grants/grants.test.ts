import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { principalOf } from "../../../test/support/tasks/fixtures.ts";
import { capabilities } from "../../capabilities/registry.ts";
import type { PolicyFile } from "../../contract/policy.ts";
import type { Principal } from "../../contract/principal.ts";
import { buildPolicy } from "../../policy/build-policy.ts";
import type { Plan, PlanNotes } from "../task.ts";
import type { Records } from "../task-store.ts";
import type { Grant } from "./grant.ts";
import type { GrantStore } from "./grant-store.ts";
import { Grants } from "./grants.ts";

const MINUTE_MS = 60_000;
const FILE: PolicyFile = {
  capabilities: {
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp", "/home"] },
  },
};

class MemoryGrantStore implements GrantStore {
  readonly grants = new Map<string, Grant>();
  readonly records: Records[] = [];
  /** What a write waits for; a rejection is a disk that refuses. */
  disk: () => Promise<void> = async () => {};

  async list(): Promise<Grant[]> {
    return [...this.grants.values()].toReversed();
  }

  async insert(grant: Grant, records: Records): Promise<void> {
    await this.disk();
    this.grants.set(grant.id, grant);
    this.records.push(records);
  }

  async remove(id: string, records: Records): Promise<boolean> {
    await this.disk();
    if (!this.grants.delete(id)) return false;
    this.records.push(records);
    return true;
  }

  reasons(): unknown[] {
    return this.records.flatMap(({ audit }) =>
      audit.flatMap(({ details }) => (details?.reason === undefined ? [] : [details.reason])),
    );
  }
}

let store: MemoryGrantStore;
let keys: Map<string, Principal>;
let policy: ReturnType<typeof policyOf>;
let stopped: boolean;
let withdrawn: string[];
/** Grants whose sealed record is missing. */
let forged: Set<string>;
let grants: Grants;

const policyOf = (file: PolicyFile) =>
  buildPolicy(file, { actions: [...capabilities.keys()], protectedHosts: [] });

function open(): Grants {
  return new Grants({
    grants: store,
    capabilities,
    policy: () => policy,
    findPrincipal: (keyId) => keys.get(keyId),
    stopped: () => stopped,
    wasGiven: async ({ id }) => !forged.has(id),
    onForged: ({ id }) => void forged.delete(id),
    withdraw: async (grantId) => {
      withdrawn.push(grantId);
    },
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  store = new MemoryGrantStore();
  keys = new Map([
    ["bot", principalOf("bot", "plan", "execute", "read")],
    ["person:ann", principalOf("person:ann", "confirm", "read")],
  ]);
  policy = policyOf(FILE);
  stopped = false;
  withdrawn = [];
  forged = new Set();
  grants = open();
});
afterEach(() => {
  vi.useRealTimers();
});

let count = 0;
function grantOf(change: Partial<Grant> = {}): Grant {
  const now = Date.now();
  return {
    id: `grant_${String(count++).padStart(22, "0")}`,
    key_id: "bot",
    desktop: "main",
    action: "fs.write",
    scope: { path_prefix: "/tmp/a" },
    risk: "medium",
    granted_by: "person:ann",
    on_task: `task_${"a".repeat(22)}`,
    created_at: new Date(now).toISOString(),
    expires_at: new Date(now + 10 * MINUTE_MS).toISOString(),
    used: 0,
    ...change,
  };
}

function planOf(change: Partial<Plan> = {}): [Plan, PlanNotes] {
  const parameters = { path: "/tmp/a/b", content: "x", mode: "create" };
  const plan: Plan = {
    task_id: `task_${"b".repeat(22)}`,
    requester: "bot",
    desktop: "main",
    steps: [{ action: "fs.write", parameters, risk: "medium", bound: {} }],
    risk: "medium",
    mode: "approver",
    approvals: 1,
    expires_at: new Date(Date.now() + MINUTE_MS).toISOString(),
    salt: "s",
    ...change,
  };
  const note = { summary: "", reasons: [], privateReasons: [], openPreview: true };
  return [plan, { summary: "", defaults: [], steps: plan.steps.map(() => note) }];
}

const covers = (change?: Partial<Plan>) => grants.covering(...planOf(change))?.id;

describe("Grants", () => {
  it("I16 cover until their time is over, to the millisecond, and are then removed", async () => {
    const { id } = await grants.add(grantOf());
    vi.setSystemTime(Date.now() + 10 * MINUTE_MS - 1);
    expect(covers()).toBe(id);
    expect(grants.findDenial(id)).toBeUndefined();
    vi.setSystemTime(Date.now() + 1);
    expect(covers()).toBeUndefined();
    expect(grants.findDenial(id)).toBe("its time is over");
    expect(grants.list()).toEqual([]);
    expect(store.grants.size).toBe(1);
    await grants.recheck();
    expect(store.grants.size).toBe(0);
    expect(store.reasons()).toEqual(["its time is over"]);
    expect(withdrawn).toEqual([id]);
  });

  it.each<[string, Partial<Plan>]>([
    ["another desktop", { desktop: "second" }],
    ["another key", { requester: "other" }],
    ["two approvals", { approvals: 2 }],
    ["another mode", { mode: "client", approvals: 0 }],
  ])("I4 I13 do not cover a plan with %s", async (_, change) => {
    await grants.add(grantOf());
    expect(covers()).toBeDefined();
    expect(covers(change)).toBeUndefined();
  });

  it("cover nothing while everything is stopped", async () => {
    await grants.add(grantOf());
    stopped = true;
    expect(covers()).toBeUndefined();
  });

  const strict = (change: object): PolicyFile => ({
    ...FILE,
    capabilities: {
      "fs.write": {
        enabled: true,
        risk_level: "medium",
        allowed_paths: ["/tmp", "/home"],
        ...change,
      },
    },
  });
  it.each<[string, PolicyFile]>([
    ["disables grants", { ...FILE, confirmation: { grants: { enabled: false } } }],
    ["shortens grants", { ...FILE, confirmation: { grants: { max_minutes: 9 } } }],
    ["asks for a touch", { ...FILE, confirmation: { passkey: "medium" } }],
    ["asks for two approvers", { ...FILE, confirmation: { approvals: { medium: 2 } } }],
    ["asks for two approvers of the action", strict({ approvals: 2 })],
    ["disables the action", strict({ enabled: false })],
    ["raises the action", strict({ risk_level: "high" })],
    ["narrows the paths", strict({ allowed_paths: ["/tmp/a/b"] })],
  ])("I16 end for good with a policy that %s", async (_, file) => {
    const { id } = await grants.add(grantOf());
    policy = policyOf(file);
    expect(grants.findDenial(id)).toBeDefined();
    expect(covers()).toBeUndefined();
    await grants.recheck();
    policy = policyOf(FILE);
    expect(grants.findDenial(id)).toBe("it was revoked");
    expect(covers()).toBeUndefined();
    expect(store.grants.size).toBe(0);
  });

  it("hold with a policy that changes elsewhere", async () => {
    const { id } = await grants.add(grantOf());
    policy = policyOf({
      capabilities: { ...FILE.capabilities, "shell.run": { enabled: false } },
      confirmation: { high: "approver", approvals: { high: 2 }, passkey: "high" },
    });
    await grants.recheck();
    expect(covers()).toBe(id);
  });

  it("I15 end with either key, before anybody says so, and for good once it is said", async () => {
    for (const [keyId, scope] of [
      ["bot", "execute"],
      ["person:ann", "confirm"],
    ] as const) {
      await grants.add(grantOf());
      const whole = keys.get(keyId);
      keys.set(keyId, principalOf(keyId, "read"));
      expect(covers(), scope).toBeUndefined();
      keys.delete(keyId);
      expect(covers()).toBeUndefined();
      await grants.endOf(keyId);
      if (whole !== undefined) keys.set(keyId, whole);
      expect(covers()).toBeUndefined();
      expect(store.grants.size).toBe(0);
    }
  });

  it("I15 revoked count at once, also where it cannot be written down, which is tried again", async () => {
    const { id } = await grants.add(grantOf());
    store.disk = () => Promise.reject(new Error("disk full"));
    const revoking = grants.revoke(id, "person:ann");
    expect(covers()).toBeUndefined();
    await expect(revoking).rejects.toThrow("disk full");
    expect(withdrawn).toEqual([id]);
    await expect(grants.recheck()).rejects.toThrow("disk full");
    store.disk = async () => {};
    await grants.recheck();
    expect(store.grants.size).toBe(0);
    expect(store.reasons()).toEqual(["revoked by person:ann"]);
    await grants.recheck();
    expect(store.reasons()).toHaveLength(1);
  });

  it("I6 do not count before they are recorded", async () => {
    store.disk = () => Promise.reject(new Error("disk full"));
    await expect(grants.add(grantOf())).rejects.toThrow("disk full");
    expect(covers()).toBeUndefined();
    const { promise, resolve } = Promise.withResolvers<void>();
    store.disk = () => promise;
    const adding = grants.add(grantOf());
    expect(covers()).toBeUndefined();
    resolve();
    await adding;
    expect(covers()).toBeDefined();
  });

  it.each<[string, () => unknown]>([
    ["a stop", () => grants.endAll("person:ann")],
    ["a revocation", () => keys.delete("person:ann")],
  ])("do not survive %s that came while they were written", async (_, happen) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    store.disk = () => promise;
    const adding = grants.add(grantOf());
    await happen();
    resolve();
    await expect(adding).rejects.toMatchObject({ code: "state_changed" });
    expect(store.grants.size).toBe(0);
    expect(grants.list()).toEqual([]);
  });

  it("are read again after a restart, without those that lapsed meanwhile", async () => {
    const { id } = await grants.add(grantOf());
    const short = await grants.add(
      grantOf({ expires_at: new Date(Date.now() + MINUTE_MS).toISOString() }),
    );
    expect(grants.list().map((grant) => grant.id)).toEqual([short.id, id]);
    vi.setSystemTime(Date.now() + 2 * MINUTE_MS);
    grants = open();
    await grants.load();
    expect(grants.list().map((grant) => grant.id)).toEqual([id]);
    expect([...store.grants.keys()]).toEqual([id]);
  });

  it("I19 are not read again where the audit log does not have them", async () => {
    const { id } = await grants.add(grantOf());
    const other = await grants.add(grantOf());
    forged.add(other.id);
    grants = open();
    await grants.load();
    expect(grants.list().map((grant) => grant.id)).toEqual([id]);
    expect(store.reasons()).toEqual(["the audit log does not have it"]);
    expect(withdrawn).toEqual([other.id]);
  });

  it("are bounded in number", async () => {
    for (let index = 0; index < 500; index++) await grants.add(grantOf());
    await expect(grants.add(grantOf())).rejects.toMatchObject({ code: "queue_full" });
  });
});
