/**
 * What every store must do, whatever it stands on: one file, because a store passes all of it or is
 * none. A store's own test hands in how to make one and adds what is particular to it.
 */
import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ArtifactStore } from "../../../src/artifacts/artifact-store.ts";
import type { AuditStore } from "../../../src/audit/audit-store.ts";
import type { ReplayStore, SeenSignature } from "../../../src/auth/replay-store.ts";
import type { AuditDraft } from "../../../src/contract/audit.ts";
import type { EventDraft, EventName, GatewayEvent } from "../../../src/contract/event.ts";
import { TASK_STATUSES, type TaskStatus } from "../../../src/contract/task.ts";
import type { Notice } from "../../../src/contract/webhook.ts";
import type { EventStore } from "../../../src/events/event-store.ts";
import type { NoticeLog } from "../../../src/notify/notice-log.ts";
import type { WebhookStore } from "../../../src/notify/webhook-store.ts";
import type { PeopleStore, PersonRecord, SessionRecord } from "../../../src/people/people-store.ts";
import type { GrantStore } from "../../../src/tasks/grants/grant-store.ts";
import type { NewTask, SettingStore, TaskStore } from "../../../src/tasks/task-store.ts";
import { at, grantOf, newTask, recordsOf } from "./test-records.ts";

export interface ContractStore extends AsyncDisposable {
  readonly tasks: TaskStore;
  readonly events: EventStore;
  readonly audit: AuditStore & NoticeLog;
  readonly replays: ReplayStore;
  readonly artifacts: ArtifactStore;
  readonly settings: SettingStore;
  readonly webhooks: WebhookStore;
  readonly people: PeopleStore;
  readonly grants: GrantStore;
}

/** An empty place for a store, which can be opened again after it was closed. */
export interface StorePlace extends AsyncDisposable {
  open(): Promise<ContractStore>;
}

/** Declares the tests for one store. `createPlace` is called for each of them. */
export function testStoreContract(name: string, createPlace: () => Promise<StorePlace>): void {
  const open = async (): Promise<ContractStore> => {
    const place = await createPlace();
    const store = await place.open();
    onTestFinished(async () => {
      await store[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    });
    return store;
  };

  describe(`${name}: tasks`, () => {
    it("keeps a task as it was given, and numbers it", async () => {
      const { tasks } = await open();
      const first = newTask();
      const second = newTask({ requester: "other" });
      expect(await tasks.insert(first, recordsOf(first, "task_planned"))).toBeUndefined();
      await tasks.insert(second, recordsOf(second, "task_planned"));

      const kept = await tasks.get(first.id);
      expect(kept).toEqual({ ...first, seq: expect.any(Number), revision: expect.any(Number) });
      expect((await tasks.get(second.id))?.seq).toBeGreaterThan(kept?.seq ?? Number.NaN);
      expect(await tasks.get(newTask().id)).toBeUndefined();
      expect(await tasks.get("task_unknown")).toBeUndefined();
    });

    it("I6 writes task, events and audit records together", async () => {
      const store = await open();
      const task = newTask();
      await store.tasks.insert(task, recordsOf(task, "task_planned"));
      expect((await store.events.read(0, 10, {})).map((event) => event.event)).toEqual([
        "task_planned",
      ]);
      expect((await store.audit.read(0, 10)).map((record) => record.task_id)).toEqual([task.id]);
    });

    it("writes nothing of a change that is refused", async () => {
      const store = await open();
      const good = newTask();
      const bad = newTask();
      const unsealable = { ...recordsOf(bad, "task_planned"), audit: [cyclicDraft()] };
      const results = await Promise.allSettled([
        store.tasks.insert(good, recordsOf(good, "task_planned")),
        store.tasks.insert(bad, unsealable),
        store.settings.set("stopped", "true", { events: [], audit: [cyclicDraft()] }),
        store.audit.append([cyclicDraft()]),
      ]);
      expect(results.map((result) => result.status)).toEqual([
        "fulfilled",
        "rejected",
        "rejected",
        "rejected",
      ]);
      expect(await store.tasks.get(good.id)).toBeDefined();
      expect(await store.tasks.get(bad.id)).toBeUndefined();
      expect(await store.settings.get("stopped")).toBeUndefined();
      expect(await store.events.read(0, 10, {})).toHaveLength(1);
      expect(await store.audit.read(0, 10)).toHaveLength(1);
    });

    it("I3 50 parallel updates of one revision: one wins, one record", async () => {
      const store = await open();
      const task = await plan(store);
      const won = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          store.tasks.update(
            task.id,
            task.revision,
            { ...task.state, status: "queued", message: `${n}` },
            recordsOf(task, "task_queued"),
          ),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      const after = await store.tasks.get(task.id);
      expect(after?.revision).toBe(task.revision + 1);
      expect(after?.state?.message).toBe(`${won.indexOf(true)}`);
      expect(await store.events.read(0, 100, {})).toHaveLength(2);
      expect(await store.audit.read(0, 100)).toHaveLength(2);
    });

    it("updates no task that it does not have", async () => {
      const store = await open();
      const task = newTask();
      const records = recordsOf(task, "task_queued");
      expect(await store.tasks.update(task.id, 1, task.state, records)).toBe(false);
      expect(await store.events.lastId()).toBe(0);
    });

    it("shows committed state only", async () => {
      const store = await open();
      const task = newTask();
      const writing = store.tasks.insert(task, recordsOf(task, "task_planned"));
      const during = [
        store.tasks.get(task.id),
        store.tasks.list({ limit: 10 }),
        store.events.read(0, 10, {}),
        store.audit.read(0, 10),
      ] as const;
      const head = store.audit.head();
      expect(await Promise.all(during)).toEqual([undefined, [], [], []]);
      expect((await head).seq).toBe(0);
      await writing;
      expect(await store.tasks.get(task.id)).toBeDefined();
      expect((await store.audit.head()).seq).toBe(1);
    });

    it("gives the first task of an Idempotency-Key, also to a request at the same time", async () => {
      const store = await open();
      const [a, b, c] = [newTask(), newTask(), newTask({ requester: "other" })];
      const entry = { keyId: "default", key: "again", bodyDigest: "sha256:a" };
      const [first, second] = await Promise.all([
        store.tasks.insert(a, recordsOf(a, "task_planned"), entry),
        store.tasks.insert(b, recordsOf(b, "task_planned"), { ...entry, bodyDigest: "sha256:b" }),
      ]);
      const kept = { taskId: a.id, bodyDigest: "sha256:a" };
      expect(first).toBeUndefined();
      expect(second).toEqual(kept);
      expect(await store.tasks.get(b.id)).toBeUndefined();
      expect(await store.tasks.findIdempotent("default", "again")).toEqual(kept);
      expect(await store.tasks.findIdempotent("other", "again")).toBeUndefined();
      const other = { ...entry, keyId: "other" };
      expect(await store.tasks.insert(c, recordsOf(c, "task_planned"), other)).toBeUndefined();
      expect(await store.events.read(0, 10, {})).toHaveLength(2);
    });

    it("I13 lists newest first, page by page, by requester and status", async () => {
      const store = await open();
      const ids: string[] = [];
      for (const [requester, status] of [
        ["a", "planned"],
        ["b", "planned"],
        ["a", "completed"],
        ["a", "planned"],
        ["b", "failed"],
      ] as const) {
        ids.push((await plan(store, { requester }, status)).id);
      }
      const list = async (query: Parameters<TaskStore["list"]>[0]) =>
        (await store.tasks.list(query)).map((id) => ids.indexOf(id));
      expect(await list({ limit: 10 })).toEqual([4, 3, 2, 1, 0]);
      expect(await list({ limit: 2 })).toEqual([4, 3]);
      const third = (await store.tasks.get(ids[3] ?? ""))?.seq ?? Number.NaN;
      expect(await list({ before: third, limit: 2 })).toEqual([2, 1]);
      expect(await list({ requester: "a", limit: 10 })).toEqual([3, 2, 0]);
      expect(await list({ requester: "a", before: third, limit: 10 })).toEqual([2, 0]);
      expect(await list({ requester: "a", limit: 1 })).toEqual([3]);
      expect(await list({ status: "planned", limit: 10 })).toEqual([3, 1, 0]);
      expect(await list({ requester: "a", status: "planned", limit: 10 })).toEqual([3, 0]);
      expect(await list({ requester: "nobody", limit: 10 })).toEqual([]);

      const oldest = await store.tasks.listByStatus(["planned", "failed"], 3);
      expect(oldest.map((id) => ids.indexOf(id))).toEqual([0, 1, 3]);
      const all = await store.tasks.listByStatus(["completed"], Number.MAX_SAFE_INTEGER);
      expect(all.map((id) => ids.indexOf(id))).toEqual([2]);
      expect(await store.tasks.openRequesters()).toEqual(["a", "b"]);
      expect(await store.tasks.countByStatus()).toMatchObject({
        planned: 3,
        completed: 1,
        failed: 1,
      });
    });

    it("knows every status, and finds what has expired before it started", async () => {
      const store = await open();
      const pending: string[] = [];
      for (const status of TASK_STATUSES) {
        const task = await plan(store, { expires_at: at(10) }, status);
        if (["planned", "awaiting_confirmation", "ready", "queued"].includes(status)) {
          pending.push(task.id);
        }
        expect((await store.tasks.get(task.id))?.state?.status).toBe(status);
      }
      await plan(store, { expires_at: at(20) });
      expect(await store.tasks.listExpired(at(9), 100)).toEqual([]);
      expect(new Set(await store.tasks.listExpired(at(10), 100))).toEqual(new Set(pending));
      expect(await store.tasks.listExpired(at(10), 2)).toHaveLength(2);
    });

    it("I15 finds what a key has approved and has not started", async () => {
      const store = await open();
      const approvedBy = async (key_id: string, status: TaskStatus) => {
        const task = await plan(store, {}, "planned");
        const approvals = [{ key_id, at: at(1), plan_digest: task.digest }];
        const state = { ...task.state, status, approvals };
        await store.tasks.update(task.id, task.revision, state, { events: [], audit: [] });
        return task.id;
      };
      const pending: string[] = [];
      for (const status of ["planned", "awaiting_confirmation", "ready", "queued"] as const) {
        pending.push(await approvedBy("alice", status));
        await approvedBy("bob", status);
      }
      await approvedBy("alice", "running");
      await approvedBy("alice", "completed");
      expect(new Set(await store.tasks.listApprovedBy("alice"))).toEqual(new Set(pending));
      expect(await store.tasks.listApprovedBy("ali")).toEqual([]);
    });

    it("removes what finished long ago, with all that hangs on it but the audit log", async () => {
      const store = await open();
      const old = await plan(store, { created_at: at(0) }, "completed", at(5), "first");
      const running = await plan(store, { created_at: at(1) }, "running");
      const late = await plan(store, { created_at: at(2) }, "failed", at(50));
      const recent = await plan(store, { created_at: at(40) }, "completed", at(41));
      await store.artifacts.insert(artifactOf(old.id, "old"), QUOTA);
      await store.artifacts.insert(artifactOf(late.id, "late"), QUOTA);
      const records = (await store.audit.read(0, 100)).length;
      const events = await store.events.lastId();

      expect(await store.tasks.removeFinished(at(30), 0)).toEqual({ tasks: 0, artifactIds: [] });
      expect(await store.tasks.removeFinished(at(30), 10)).toEqual({
        tasks: 1,
        artifactIds: [artifactOf(old.id, "old").id],
      });
      expect(await store.tasks.get(old.id)).toBeUndefined();
      expect(await store.tasks.list({ limit: 10 })).toEqual([recent.id, late.id, running.id]);
      expect(await store.tasks.findIdempotent("default", "first")).toBeUndefined();
      expect(await store.artifacts.ids()).toEqual(new Set([artifactOf(late.id, "late").id]));
      expect(await store.events.read(0, 100, { taskId: old.id })).toEqual([]);
      const left = await store.events.read(0, 100, {});
      expect(left.some((event) => event.task_id === old.id)).toBe(false);
      // Ids go on where they were, and the audit log still knows the task.
      expect(await store.events.lastId()).toBe(events);
      expect(await store.audit.read(0, 100)).toHaveLength(records);
      expect(await store.audit.read(0, 100, old.id)).not.toEqual([]);
      expect(await store.tasks.removeFinished(at(60), 1)).toMatchObject({ tasks: 1 });
      expect(await store.tasks.removeFinished(at(60), 9)).toMatchObject({ tasks: 1 });
      expect(await store.tasks.removeFinished(at(60), 9)).toMatchObject({ tasks: 0 });
    });
  });

  describe(`${name}: events`, () => {
    it("delivers what is committed, in order, once, and the same that is read", async () => {
      const store = await open();
      const delivered: GatewayEvent[] = [];
      const end = store.events.onCommitted((events) => delivered.push(...events));
      const tasks = Array.from({ length: 20 }, () => newTask());
      await Promise.all(
        tasks.map((task) => store.tasks.insert(task, recordsOf(task, "task_planned"))),
      );
      await store.settings.set("stopped", "true", {
        events: [gatewayEvent("gateway_stopped")],
        audit: [],
      });
      expect(delivered).toHaveLength(21);
      expect(delivered).toEqual(await store.events.read(0, 100, {}));
      expect(delivered.map((event) => event.id)).toEqual(
        delivered.map((event) => event.id).toSorted((a, b) => a - b),
      );
      expect(await store.events.lastId()).toBe(delivered.at(-1)?.id);
      end();
      await plan(store);
      expect(delivered).toHaveLength(21);
    });

    it("goes on delivering to others where a listener throws", async () => {
      const store = await open();
      const seen: number[] = [];
      store.events.onCommitted(() => {
        throw new Error("a listener's mistake");
      });
      store.events.onCommitted((events) => seen.push(events.length));
      await plan(store);
      expect(seen).toEqual([1]);
    });

    it("I13 reads by task and by owner, page by page", async () => {
      const store = await open();
      const a = await plan(store, { requester: "a" });
      const b = await plan(store, { requester: "b" });
      await store.settings.set("x", "1", { events: [gatewayEvent("policy_reloaded")], audit: [] });
      await store.tasks.update(a.id, a.revision, a.state, recordsOf(a, "task_queued"));
      const read = async (after: number, limit: number, filter: object) =>
        (await store.events.read(after, limit, filter)).map((e) => [e.event, e.task_id]);
      const all = await store.events.read(0, 10, {});
      expect(all.map((event) => event.owner)).toEqual(["a", "b", null, "a"]);
      expect(await read(0, 10, { owner: "a" })).toEqual([
        ["task_planned", a.id],
        ["policy_reloaded", null],
        ["task_queued", a.id],
      ]);
      expect(await read(0, 2, { owner: "a" })).toHaveLength(2);
      expect(await read(all[0]?.id ?? 0, 1, { owner: "a" })).toEqual([["policy_reloaded", null]]);
      expect(await read(0, 10, { owner: "c" })).toEqual([["policy_reloaded", null]]);
      expect(await read(0, 10, { taskId: b.id })).toEqual([["task_planned", b.id]]);
      expect(await read(0, 10, { taskId: b.id, owner: "a" })).toEqual([]);
      expect(await read(all[0]?.id ?? 0, 10, { taskId: a.id, owner: "a" })).toHaveLength(1);
      expect(await read(0, 10, { taskId: newTask().id })).toEqual([]);
    });
  });

  describe(`${name}: large events`, () => {
    it("I10 come in short pages that leave out none, whosever they are", async () => {
      const store = await open();
      const task = await plan(store, { requester: "a" });
      const message = "x".repeat(400_000);
      for (let n = 0; n < 12; n++) {
        const event = n % 3 === 0 ? gatewayEvent("policy_reloaded") : ownEvent(task);
        await store.settings.set("x", "1", {
          events: [{ ...event, data: n % 2 === 0 ? { message } : {} }],
          audit: [],
        });
      }
      for (const filter of [{}, { owner: "a" }]) {
        const ids: number[] = [];
        let pages = 0;
        for (;;) {
          const page = await store.events.read(ids.at(-1) ?? 0, 100, filter);
          if (page.length === 0) break;
          expect(JSON.stringify(page).length).toBeLessThan(3_000_000);
          ids.push(...page.map(({ id }) => id));
          pages++;
        }
        expect(ids).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
        expect(pages).toBeGreaterThan(1);
      }
    });
  });

  describe(`${name}: audit`, () => {
    it("chains records in the order in which they are committed", async () => {
      const store = await open();
      await Promise.all(
        Array.from({ length: 10 }, (_, n) => store.audit.append([auditDraft(`t${n}`)])),
      );
      await store.audit.append([auditDraft("a"), auditDraft("b")]);
      const records = await store.audit.read(0, 100);
      expect(records.map((record) => record.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      for (const [index, record] of records.entries()) {
        if (index > 0) expect(record.prev).toBe(records[index - 1]?.mac);
      }
      expect(await store.audit.head()).toEqual({ seq: 12, mac: records.at(-1)?.mac });
      expect((await store.audit.read(10, 1)).map((record) => record.type)).toEqual(["a"]);
    });

    it("reads one task's records", async () => {
      const store = await open();
      const a = await plan(store);
      await plan(store);
      await store.audit.append([{ ...auditDraft("step.started"), task_id: a.id }]);
      const types = (await store.audit.read(0, 10, a.id)).map((record) => record.type);
      expect(types).toEqual(["task_planned", "step.started"]);
      expect(await store.audit.read(1, 10, a.id)).toHaveLength(1);
      expect(await store.audit.read(0, 10, newTask().id)).toEqual([]);
    });
  });

  describe(`${name}: signatures`, () => {
    it("I9 a signature is fresh once, of 100 at the same time and ever after", async () => {
      const { replays } = await open();
      const signature = seen();
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => replays.remember(signature)),
      );
      await Promise.all(answers.map((answer) => answer.durable));
      expect(answers.filter((answer) => answer.fresh)).toHaveLength(1);
      expect((await replays.remember(signature)).fresh).toBe(false);
      expect((await replays.remember({ ...signature, keyId: "other" })).fresh).toBe(true);
      expect((await replays.remember({ ...signature, mac: randomBytes(32) })).fresh).toBe(true);
    });

    it("I9 forgets what is over, and that alone", async () => {
      const { replays } = await open();
      const minute = (n: number) => n * 60_000;
      const over = seen({ timestamp: minute(1), forgetAt: minute(6) });
      const still = seen({ timestamp: minute(3), forgetAt: minute(8) });
      for (const signature of [over, still]) await (await replays.remember(signature)).durable;
      await replays.prune(minute(7) - 1);
      expect(await replays.remember(over)).toMatchObject({ fresh: false });
      expect(await replays.remember(over)).not.toHaveProperty("isForgotten");
      await replays.prune(minute(7));
      expect(await replays.remember(over)).toMatchObject({ fresh: false, isForgotten: true });
      expect(await replays.remember(still)).toMatchObject({ fresh: false });
      expect(await replays.remember(still)).not.toHaveProperty("isForgotten");
    });

    it("I9 takes nothing back in, however the clock is set forward and back", async () => {
      const place = await createPlace();
      onTestFinished(() => place[Symbol.asyncDispose]());
      const now = Date.UTC(2026, 0, 1);
      const at = (timestamp: number) => seen({ timestamp, forgetAt: timestamp + 300_000 });
      const [before, during] = [at(now), at(now + 3_600_000)];
      {
        await using store = await place.open();
        await (await store.replays.remember(before)).durable;
        // An hour ahead, and back before that hour is over.
        await store.replays.prune(now + 3_600_000);
        await (await store.replays.remember(during)).durable;
        await store.replays.prune(now + 7_200_000);
        expect((await store.replays.remember(before)).fresh).toBe(false);
      }
      await using store = await place.open();
      for (const used of [before, during, { ...before, mac: randomBytes(32) }]) {
        expect((await store.replays.remember(used)).fresh).toBe(false);
      }
      // Nobody is locked out of the time in between.
      for (const minutes of [1, 10, 59, 61]) {
        expect((await store.replays.remember(at(now + minutes * 60_000))).fresh).toBe(true);
      }
    });
  });

  describe(`${name}: artifacts and settings`, () => {
    it("keeps artifacts in the order in which they came", async () => {
      const store = await open();
      const task = await plan(store);
      const [a, b] = [artifactOf(task.id, "a"), artifactOf(task.id, "b")];
      await store.artifacts.insert(a, QUOTA);
      await store.artifacts.insert(b, QUOTA);
      expect(await store.artifacts.get(a.id)).toEqual(a);
      expect(await store.artifacts.get("artifact_none")).toBeUndefined();
      expect(await store.artifacts.listByTask(task.id)).toEqual([a, b]);
      expect(await store.artifacts.listByTask(newTask().id)).toEqual([]);
      expect(await store.artifacts.ids()).toEqual(new Set([a.id, b.id]));
    });

    it("I13 lets the oldest artifacts of a key go where it has too many, and no other key's", async () => {
      const store = await open();
      const task = await plan(store);
      const others = artifactOf(task.id, "bob's", "bob");
      expect(await store.artifacts.insert(others, QUOTA)).toEqual([]);
      const names = Array.from({ length: 11 }, (_, index) => `number ${index}`);
      const removed: string[] = [];
      for (const name of names) {
        removed.push(...(await store.artifacts.insert(artifactOf(task.id, name), QUOTA)));
      }
      expect(removed).toEqual([artifactOf(task.id, "number 0").id]);
      expect(await store.artifacts.get(removed[0] ?? "")).toBeUndefined();
      expect(await store.artifacts.get(others.id)).toEqual(others);
      // One that is larger than all of it stays alone.
      const large = { ...artifactOf(task.id, "large"), size: QUOTA + 1 };
      expect(await store.artifacts.insert(large, QUOTA)).toHaveLength(10);
      expect(await store.artifacts.ids()).toEqual(new Set([others.id, large.id]));
    });

    it("sets a setting with its records", async () => {
      const store = await open();
      expect(await store.settings.get("stopped")).toBeUndefined();
      for (const value of ["true", "false"]) {
        const audit = [auditDraft("gateway.stopped")];
        await store.settings.set("stopped", value, { events: [], audit });
        expect(await store.settings.get("stopped")).toBe(value);
      }
      expect(await store.audit.read(0, 10)).toHaveLength(2);
    });
  });

  describe(`${name}: closed and opened again`, () => {
    it("I9 knows all it was told, and goes on from there", async () => {
      await using place = await createPlace();
      const task = newTask();
      const signature = seen();
      let before: readonly unknown[] = [];
      {
        await using store = await place.open();
        await store.tasks.insert(task, recordsOf(task, "task_planned"));
        await (await store.replays.remember(signature)).durable;
        before = [await store.tasks.get(task.id), await store.events.read(0, 9, {})];
      }
      await using store = await place.open();
      expect([await store.tasks.get(task.id), await store.events.read(0, 9, {})]).toEqual(before);
      expect((await store.replays.remember(signature)).fresh).toBe(false);
      const { mac } = await store.audit.head();
      await store.audit.append([auditDraft("gateway.started")]);
      expect((await store.audit.read(1, 1))[0]?.prev).toBe(mac);
    });

    it("commits what is under way when it is closed, and refuses what comes after", async () => {
      await using place = await createPlace();
      const store = await place.open();
      const task = newTask();
      const writing = store.tasks.insert(task, recordsOf(task, "task_planned"));
      await store[Symbol.asyncDispose]();
      await writing;
      const late = store.audit.append([auditDraft("late")]);
      await expect(late).rejects.toMatchObject({ code: "audit_unavailable" });
      await using again = await place.open();
      expect(await again.tasks.get(task.id)).toBeDefined();
    });
  });

  describe(`${name}: people`, () => {
    it("keeps people with their audit records, across a restart", async () => {
      const place = await createPlace();
      onTestFinished(() => place[Symbol.asyncDispose]());
      {
        await using store = await place.open();
        expect(await store.people.load()).toEqual(NOBODY);
        await store.people.apply(
          [
            { put: "person", record: person() },
            { put: "session", record: session("one") },
            { put: "session", record: session("two") },
          ],
          [{ type: "person.enrolled", key_id: "person:anna", time: at(0) }],
        );
        const renamed = { ...person(), name: "Anna \u{1f600} B." };
        const changes = [
          { drop: "session", id: "one" },
          { drop: "link", id: "nothing" },
          { put: "person", record: renamed },
        ] as const;
        await store.people.apply(changes, []);
      }
      await using store = await place.open();
      expect(await store.people.load()).toEqual({
        ...NOBODY,
        person: [{ ...person(), name: "Anna \u{1f600} B." }],
        session: [session("two")],
      });
      expect((await store.audit.read(0, 10)).map(({ type }) => type)).toEqual(["person.enrolled"]);
    });

    it("I6 keeps nobody whose record cannot be sealed", async () => {
      const { people } = await open();
      const change = { put: "person", record: person() } as const;
      await expect(people.apply([change], [cyclicDraft()])).rejects.toThrow();
      expect(await people.load()).toEqual(NOBODY);
    });
  });

  describe(`${name}: grants`, () => {
    const records = (type: string) => ({ events: [], audit: [auditDraft(type)] });

    it("I3 approves with a grant that is there, counted with the task, or nothing is written", async () => {
      const store = await open();
      const task = newTask();
      await store.tasks.insert(task, { events: [], audit: [] });
      await store.grants.insert(grantOf("a"), records("grant.created"));
      await store.grants.insert(grantOf("b"), records("grant.created"));
      const approval = { key_id: "boss", grant_id: grantOf("a").id, at: at(1), plan_digest: "" };
      const state = { ...task.state, status: "queued" as const, approvals: [approval] };
      const grantId = grantOf("a").id;
      expect(await store.tasks.update(task.id, 2, state, { ...records("x"), grantId })).toBe(false);
      expect(await store.tasks.update(task.id, 1, state, { ...records("x"), grantId })).toBe(true);
      const [b, a] = await store.grants.list();
      expect(b).toEqual(grantOf("b"));
      expect(a).toEqual({ ...grantOf("a"), used: 1, last_used_at: expect.any(String) });
      expect(await store.tasks.listGrantedBy(grantId)).toEqual([task.id]);
      expect(await store.tasks.listGrantedBy(grantOf("b").id)).toEqual([]);

      expect(await store.grants.remove(grantId, records("grant.ended"))).toBe(true);
      expect(await store.grants.remove(grantId, records("grant.ended"))).toBe(false);
      const after = { ...records("y"), grantId };
      expect(await store.tasks.update(task.id, 2, state, after)).toBe(false);
      expect(await store.audit.read(0, 10)).toHaveLength(4);
      expect(await store.grants.list()).toHaveLength(1);
    });
  });

  describe(`${name}: webhooks`, () => {
    it("keeps deliveries in order with their endpoint's place, across a restart", async () => {
      const place = await createPlace();
      onTestFinished(() => place[Symbol.asyncDispose]());
      {
        await using store = await place.open();
        const { webhooks } = store;
        expect((await webhooks.places()).size).toBe(0);
        await webhooks.setPlace("a", { after: 3, goneUrl: null });
        await webhooks.setPlace("b", { after: 5, goneUrl: "sha256:x" });
        await webhooks.enqueue("a", 7, [delivery("1"), delivery("2")]);
        await webhooks.postpone(delivery("1").id, 4, 99);
      }
      await using store = await place.open();
      const { webhooks } = store;
      expect(await webhooks.places()).toEqual(
        new Map([
          ["a", { after: 7, goneUrl: null }],
          ["b", { after: 5, goneUrl: "sha256:x" }],
        ]),
      );
      const first = { ...delivery("1"), endpoint: "a", attempts: 4, nextAt: 99 };
      expect(await webhooks.next("a")).toEqual(first);
      expect(await webhooks.next("b")).toBeUndefined();
      await webhooks.remove(first.id);
      expect(await webhooks.next("a")).toMatchObject({ id: delivery("2").id, attempts: 0 });
      expect(await webhooks.waiting("a")).toBe(1);
    });

    it("adds deliveries and moves the place together, or neither", async () => {
      const { webhooks } = await open();
      await webhooks.setPlace("a", { after: 1, goneUrl: null });
      await webhooks.enqueue("a", 2, [delivery("1")]);
      const twice = webhooks.enqueue("a", 9, [delivery("2"), delivery("1")]);
      await expect(twice).rejects.toMatchObject({ code: "audit_unavailable" });
      expect((await webhooks.places()).get("a")).toEqual({ after: 2, goneUrl: null });
      expect(await webhooks.waiting("a")).toBe(1);
    });

    it("lists what failed, sends it again in its old order, forgets it", async () => {
      const { audit, webhooks } = await open();
      const record = (retried: number): AuditDraft => ({
        type: "webhooks.retried",
        key_id: "approver",
        time: at(3),
        details: { retried },
      });
      for (const endpoint of ["a", "b"]) {
        await webhooks.setPlace(endpoint, { after: 1, goneUrl: null });
      }
      await webhooks.enqueue("a", 2, [delivery("1"), delivery("2"), delivery("3")]);
      await webhooks.enqueue("b", 2, [delivery("4")]);
      await webhooks.fail(delivery("1").id, 2, at(1), "it answered 422");
      await webhooks.failAll("a", at(2), "gone");
      const failed = async () => (await webhooks.failed(10)).map(({ id }) => id);
      expect(await failed()).toEqual(["3", "2", "1"].map((n) => delivery(n).id));
      expect((await webhooks.failed(10)).at(-1)).toEqual({
        id: delivery("1").id,
        endpoint: "a",
        notice: delivery("1").notice,
        attempts: 2,
        failedAt: at(1),
        problem: "it answered 422",
      });
      expect(await webhooks.retry(["b"], 50, record, delivery("1").id)).toEqual([]);
      expect(await webhooks.retry(["a", "b"], 50, record, delivery("4").id)).toEqual([]);
      expect(await webhooks.retry(["a", "b"], 50, record, delivery("2").id)).toEqual(["a"]);
      expect(await webhooks.next("a")).toMatchObject({ id: delivery("2").id, since: 50 });
      expect(await webhooks.retry(["a", "b"], 60, record)).toEqual(["a", "a"]);
      const recorded = (await audit.read(0, 10)).map(({ details }) => details);
      expect(recorded).toEqual([{ retried: 1 }, { retried: 2 }]);
      expect(await webhooks.next("a")).toMatchObject({
        id: delivery("1").id,
        attempts: 0,
        nextAt: 0,
        since: 60,
      });
      await webhooks.removeEndpoint("a", at(3), "removed");
      expect([...(await webhooks.places()).keys()]).toEqual(["b"]);
      expect(await failed()).toHaveLength(3);
      await webhooks.prune(at(0), 2);
      expect(await failed()).toEqual([delivery("3").id, delivery("2").id]);
      await webhooks.prune(at(4), 2);
      expect(await failed()).toEqual([]);
      expect(await webhooks.waiting("b")).toBe(1);
    });

    it("tells of committed audit records, and shows them by then", async () => {
      const { audit, webhooks } = await open();
      const seen: Promise<{ seq: number }>[] = [];
      const end = audit.onCommitted(() => seen.push(audit.head()));
      await audit.append([auditDraft("a")]);
      // Written without a record: nothing to tell.
      await webhooks.setPlace("a", { after: 1, goneUrl: null });
      await audit.append([auditDraft("b"), auditDraft("c")]);
      end();
      await audit.append([auditDraft("d")]);
      expect((await Promise.all(seen)).map(({ seq }) => seq)).toEqual([1, 3]);
    });
  });
}

function delivery(name: string) {
  const notice: Notice = {
    type: "task.completed",
    timestamp: at(0),
    task_id: `task_${"A".repeat(22)}`,
    summary: `naïve \u{1f600} ${name}`,
    risk: "low",
    requester: "default",
    expires_at: at(900),
  };
  return { id: `msg_${name.padStart(22, "A")}`, notice, since: 5 };
}

/** Plans a task and moves it to a status. */
function ownEvent({ id, requester }: { id: string; requester: string }): EventDraft {
  return { ...gatewayEvent("task_progress"), task_id: id, owner: requester };
}

async function plan(
  store: ContractStore,
  fields: Partial<NewTask> = {},
  status: TaskStatus = "planned",
  finishedAt?: string,
  idempotencyKey?: string,
) {
  const task = newTask(fields);
  const { requester: keyId } = task;
  const entry = idempotencyKey && { keyId, key: idempotencyKey, bodyDigest: "sha256:0" };
  await store.tasks.insert(task, recordsOf(task, "task_planned"), entry || undefined);
  const kept = await store.tasks.get(task.id);
  if (kept === undefined) throw new Error("the task was not kept");
  const planned = { ...kept, state: task.state };
  if (status === "planned") return planned;
  const state = { ...task.state, status, ...(finishedAt && { finished_at: finishedAt }) };
  await store.tasks.update(task.id, kept.revision, state, recordsOf(task, "task_progress"));
  return planned;
}

function gatewayEvent(event: EventName): EventDraft {
  return { event, task_id: null, owner: null, timestamp: at(0), data: {} };
}

function auditDraft(type: string): AuditDraft {
  return { type, key_id: null, time: at(0) };
}

/** No JSON value: it cannot be sealed. */
const NOBODY = { person: [], passkey: [], link: [], session: [] };

function person(): PersonRecord {
  return { id: "anna", name: "Anna", role: "operator", handle: "AAAA", created_at: at(0) };
}

function session(id: string): SessionRecord {
  return { id, person: "anna", method: "passkey", started_at: 1, seen_at: 2 };
}

function cyclicDraft(): AuditDraft {
  const details: Record<string, unknown> = {};
  Object.assign(details, { self: details });
  return { ...auditDraft("cyclic"), details };
}

/** Bytes: room for ten of them. */
const QUOTA = 30;

function artifactOf(taskId: string, name: string, requester = "default") {
  const id = `artifact_${Buffer.from(name.padEnd(16)).toString("base64url")}`;
  return {
    id,
    task_id: taskId,
    requester,
    owner: requester,
    step: 0,
    media_type: "image/png",
    size: 3,
    name,
    created_at: at(0),
  };
}

function seen(fields: Partial<SeenSignature> = {}): SeenSignature {
  return { keyId: "default", timestamp: 1, forgetAt: 300_001, mac: randomBytes(32), ...fields };
}
