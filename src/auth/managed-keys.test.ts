import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AuditDraft } from "../contract/audit.ts";
import type { KeyDefinition } from "../contract/key.ts";
import type { CreateKeyRequest } from "../contract/operate.ts";
import type { Principal } from "../contract/principal.ts";
import { KeySource } from "./key-source.ts";
import type { KeyStore, ManagedKey } from "./key-store.ts";
import { KeyUse } from "./key-use.ts";
import { listKeys } from "./list-keys.ts";
import { ManagedKeys } from "./managed-keys.ts";

const OPERATOR: Principal = {
  keyId: "person:olga",
  scheme: "session",
  scopes: new Set(["confirm", "read"]),
  capabilities: null,
  desktops: null,
  trustedApprovalSurface: false,
};
const CI: CreateKeyRequest = { id: "ci", scopes: ["plan", "execute", "read"] };
const MINUTE_MS = 60_000;

class MemoryKeyStore implements KeyStore {
  readonly keys = new Map<string, ManagedKey>();
  readonly records: AuditDraft[] = [];
  readonly written = new Map<string, string>();
  fails = false;

  async list() {
    return structuredClone([...this.keys.values()]);
  }
  async put(key: ManagedKey, audit: readonly AuditDraft[]) {
    if (this.fails) throw new Error("disk");
    this.keys.set(key.id, structuredClone(key));
    this.records.push(...audit);
  }
  async uses() {
    return this.written;
  }
  async noteUses(uses: ReadonlyMap<string, string>) {
    if (this.fails) throw new Error("disk");
    for (const [name, at] of uses) this.written.set(name, at);
  }
}

const configured = (keyId: string, secret: string): KeyDefinition => ({
  principal: { ...OPERATOR, keyId, scheme: "hmac" },
  secret: Buffer.from(secret),
  origin: { source: "file", place: "clients.json /clients/0" },
});

let store: MemoryKeyStore;
const opened: Disposable[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  store = new MemoryKeyStore();
});
afterEach(() => {
  for (const each of opened.splice(0)) each[Symbol.dispose]();
  vi.useRealTimers();
});

/** A ring with the keys of a store and those of a configuration. */
async function open(config: () => KeyDefinition[] = () => []) {
  const source = new KeySource({ file: "/nowhere/clients.json", load: config, watch: false });
  const onError = vi.fn();
  const managed = await ManagedKeys.open({
    store,
    actions: ["fs.read", "fs.write"],
    desktops: () => ["main"],
    placeOf: (id) => source.placeOf(id),
    onChange: () => source.refresh(),
    onError,
  });
  opened.push(managed);
  source.join(managed);
  const revoked: string[] = [];
  source.ring.onRevoked((id) => revoked.push(id));
  const ended: string[] = [];
  managed.onTokenEnded((id) => ended.push(id));
  const find = (token: string) => source.ring.findByToken(token)?.key.id;
  return { source, managed, revoked, ended, find, onError };
}

describe("ManagedKeys", () => {
  it("makes a key whose token works and stands nowhere, also after a restart", async () => {
    const { managed, find, source } = await open();
    const { token } = await managed.create(OPERATOR, { ...CI, capabilities: ["fs.read"] });
    expect(token).toMatch(/^bbg_[\w-]{43}$/);
    expect(find(token)).toBe("ci");
    expect(source.ring.principal("ci")?.capabilities).toEqual(new Set(["fs.read"]));
    expect(JSON.stringify([...store.keys.values(), ...store.records])).not.toContain(token);
    expect(store.records).toMatchObject([
      { type: "key.created", key_id: "person:olga", details: { id: "ci", scopes: CI.scopes } },
    ]);
    expect((await open()).find(token)).toBe("ci");
  });

  it.each<[string, Partial<CreateKeyRequest>, RegExp]>([
    ["I4 who plans cannot approve", { scopes: ["plan", "confirm"] }, /confirm never stands/],
    ["an action that is not there", { capabilities: ["fs.raed"] }, /capabilities\/0/],
    ["a desktop that is not there", { desktops: ["main", "x"] }, /desktops\/1/],
    ["an id of the configuration", { id: "alice" }, /taken.*clients\.json/],
  ])("refuses %s", async (_, part, message) => {
    const { managed } = await open(() => [configured("alice", "secret")]);
    await expect(managed.create(OPERATOR, { ...CI, ...part })).rejects.toThrow(message);
    expect([store.keys.size, store.records]).toEqual([0, []]);
  });

  it("makes one of two keys of the same id at once, and an id is never given again", async () => {
    const { managed } = await open();
    const made = await Promise.allSettled([
      managed.create(OPERATOR, CI),
      managed.create(OPERATOR, CI),
    ]);
    expect(made.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await managed.revoke(OPERATOR, "ci");
    await expect(managed.create(OPERATOR, CI)).rejects.toThrow(/has ended/);
    await expect((await open()).managed.create(OPERATOR, CI)).rejects.toThrow(/has ended/);
  });

  it("I15 revoking ends the token and tells who listens, once it is recorded", async () => {
    const { managed, find, revoked } = await open();
    const { token } = await managed.create(OPERATOR, CI);
    store.fails = true;
    await expect(managed.revoke(OPERATOR, "ci")).rejects.toThrow("disk");
    expect([find(token), revoked]).toEqual(["ci", []]);
    store.fails = false;
    await managed.revoke(OPERATOR, "ci");
    expect([find(token), revoked]).toEqual([undefined, ["ci"]]);
    await expect(managed.revoke(OPERATOR, "ci")).rejects.toMatchObject({ code: "not_found" });
    expect((await open()).find(token)).toBeUndefined();
  });

  it("rotates with two tokens until the overlap ends, and what is begun goes on", async () => {
    const { managed, find, revoked, ended } = await open();
    const first = await managed.create(OPERATOR, CI);
    const second = await managed.rotate(OPERATOR, "ci", { overlap_minutes: 10 });
    expect([find(first.token), find(second.token)]).toEqual(["ci", "ci"]);
    await expect(managed.rotate(OPERATOR, "ci", { overlap_minutes: 1 })).rejects.toMatchObject({
      code: "state_changed",
    });
    const restarted = await open();
    expect(restarted.find(first.token)).toBe("ci");
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS - 1);
    expect(find(first.token)).toBe("ci");
    await vi.advanceTimersByTimeAsync(2);
    expect([find(first.token), find(second.token)]).toEqual([undefined, "ci"]);
    expect(restarted.find(first.token)).toBeUndefined();
    expect([revoked, ended]).toEqual([[], ["ci"]]);
    expect((await open()).find(first.token)).toBeUndefined();
  });

  it("I15 rotating without an overlap ends every older token and what was begun", async () => {
    const { managed, find, revoked } = await open();
    const tokens = [(await managed.create(OPERATOR, CI)).token];
    tokens.push((await managed.rotate(OPERATOR, "ci", { overlap_minutes: 5 })).token);
    tokens.push((await managed.rotate(OPERATOR, "ci", { overlap_minutes: 0 })).token);
    expect(tokens.map(find)).toEqual([undefined, undefined, "ci"]);
    expect(revoked).toEqual(["ci"]);
  });

  it("I15 a key with a last day ends by itself, recorded or not", async () => {
    const { managed, find, revoked, onError } = await open();
    const { token } = await managed.create(OPERATOR, { ...CI, expires_in_days: 40 });
    store.fails = true;
    await vi.advanceTimersByTimeAsync(40 * 86_400_000 - 1);
    expect(find(token)).toBe("ci");
    await vi.advanceTimersByTimeAsync(5);
    expect([find(token), revoked]).toEqual([undefined, ["ci"]]);
    expect(onError).toHaveBeenCalled();
    store.fails = false;
    expect((await open()).find(token)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5);
    expect(store.records.at(-1)).toMatchObject({ type: "key.expired", key_id: null });
  });

  it("gives way to a key of the configuration with the same id, and to the same secret", async () => {
    let config: KeyDefinition[] = [];
    const { managed, source, find, revoked } = await open(() => config);
    const ci = await managed.create(OPERATOR, CI);
    const other = await managed.create(OPERATOR, { ...CI, id: "other" });
    config = [configured("ci", "a secret of its own"), configured("thief", other.token)];
    await source.reload();
    expect([find(ci.token), find(other.token)]).toEqual([undefined, undefined]);
    expect(revoked.sort()).toEqual(["ci", "other"]);
    expect([...source.shadowed.keys()]).toEqual(["ci", "other"]);
    const views = listKeys({
      ring: source.ring,
      managed,
      shadowed: source.shadowed,
      use: await KeyUse.open(store),
    });
    expect(views.map(({ id, source: from, problem }) => [id, from, problem])).toEqual([
      ["ci", "file", undefined],
      ["thief", "file", undefined],
      ["ci", "console", expect.stringContaining("clients.json")],
      ["other", "console", expect.stringContaining("thief")],
    ]);
    await expect(managed.rotate(OPERATOR, "thief", { overlap_minutes: 0 })).rejects.toThrow(
      /no key of the console: it stands in clients\.json/,
    );
  });

  it("after any changes exactly the tokens that should count do, also after a restart", async () => {
    vi.useRealTimers();
    const change = fc.record({
      id: fc.constantFrom("a", "b"),
      kind: fc.constantFrom("create", "rotate", "replace", "revoke"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        store = new MemoryKeyStore();
        const { managed, find } = await open();
        const live = new Map<string, string[]>();
        const all: string[] = [];
        for (const { id, kind } of changes) {
          const before = live.get(id);
          const overlap_minutes = kind === "rotate" ? 5 : 0;
          const token = await (kind === "create"
            ? managed.create(OPERATOR, { ...CI, id })
            : kind === "revoke"
              ? managed.revoke(OPERATOR, id)
              : managed.rotate(OPERATOR, id, { overlap_minutes })
          ).then(
            (told) => told?.token,
            () => "refused",
          );
          if (token === "refused") continue;
          const kept = kind === "rotate" ? (before ?? []) : [];
          live.set(id, token === undefined ? [] : [...kept, token]);
          if (token !== undefined) all.push(token);
        }
        const expected = new Set([...live.values()].flat());
        const restarted = await open();
        for (const look of [find, restarted.find]) {
          expect(all.filter((token) => look(token) !== undefined)).toEqual(
            all.filter((token) => expected.has(token)),
          );
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("KeyUse", () => {
  it("writes coarsely what was used, and tries again where it could not", async () => {
    const use = await KeyUse.open(store, { flushMs: MINUTE_MS });
    const sha256 = createHash("sha256").update("t").digest("hex");
    use.note("ci", sha256);
    use.note("ci");
    expect(store.written.size).toBe(0);
    expect(use.ofKey("ci")).toBe(new Date().toISOString());
    store.fails = true;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    store.fails = false;
    await use[Symbol.asyncDispose]();
    expect(store.written.size).toBe(2);
    const again = await KeyUse.open(store);
    expect(again.ofToken(sha256)).toBe(use.ofToken(sha256));
    expect(again.ofKey("nobody")).toBeUndefined();
    await again[Symbol.asyncDispose]();
  });
});
