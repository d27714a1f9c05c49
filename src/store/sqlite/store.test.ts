import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { testStoreContract } from "../../../test/support/store/store-contract.ts";
import { newTask, recordsOf } from "../../../test/support/store/test-records.ts";
import { createSealer } from "../../audit/chain.ts";
import { openStore, type SqliteStore } from "./store.ts";

const seal = createSealer("an audit key for tests");

testStoreContract("SqliteStore", async () => {
  const folder = makeFolder();
  const file = join(folder, "data", "gateway.db");
  return {
    open: async () => openStore({ file, seal }),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describe("SqliteStore", () => {
  it("keeps its files to itself", async () => {
    const file = join(temporaryFolder(), "data", "gateway.db");
    await using store = openStore({ file, seal });
    const task = newTask();
    await store.tasks.insert(task, recordsOf(task, "task_planned"));
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(join(file, ".."))).toBe(0o700);
    expect([file, `${file}-wal`, `${file}-shm`].map(mode)).toEqual([0o600, 0o600, 0o600]);
  });

  it("refuses a newer database, naming both versions and what to do", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    await openStore({ file, seal })[Symbol.asyncDispose]();
    change(file, "PRAGMA user_version = 99");
    expect(() => openStore({ file, seal })).toThrow(/version 99.*up to \d+.*newer gateway/s);
  });

  it("brings an older database up to date, with what its artifacts take", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    const task = newTask();
    const artifact = {
      id: `artifact_${"a".repeat(22)}`,
      task_id: task.id,
      requester: "default",
      owner: "default",
      step: 0,
      media_type: "image/png",
      size: 7,
      name: "a.png",
      created_at: task.created_at,
    };
    {
      await using store = openStore({ file, seal });
      await store.tasks.insert(task, recordsOf(task, "task_planned"));
      await store.artifacts.insert(artifact, 10);
    }
    change(
      file,
      `DROP TRIGGER artifact_added; DROP TRIGGER artifact_removed; DROP TABLE artifact_usage;
       DROP INDEX artifacts_by_requester; ALTER TABLE artifacts DROP COLUMN requester;
       ALTER TABLE artifacts DROP COLUMN size; DROP TABLE webhook_endpoints;
       DROP TABLE webhook_deliveries;
       DROP TABLE keys; DROP TABLE key_use; DROP TABLE statistics; DROP INDEX audit_of_service;
       DROP TABLE people_records; DROP TABLE grants; DROP TABLE replay_minutes;
       PRAGMA user_version = 1`,
    );
    await using store = openStore({ file, seal });
    expect(await store.artifacts.get(artifact.id)).toEqual(artifact);
    const next = { ...artifact, id: `artifact_${"b".repeat(22)}` };
    expect(await store.artifacts.insert(next, 10)).toEqual([artifact.id]);
  });

  it("refuses another program's database, and what is none", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "text.db"), "no database".repeat(1000));
    expect(() => openStore({ file: join(folder, "text.db"), seal })).toThrow(/not a database/);
    change(join(folder, "other.db"), "CREATE TABLE mine (id INTEGER)");
    expect(() => openStore({ file: join(folder, "other.db"), seal })).toThrow(/another program/);
  });

  it("finds every task while a block of the index is on its way to the disk", async () => {
    await using store = openStore({ file: join(temporaryFolder(), "gateway.db"), seal });
    const tasks = Array.from({ length: 8192 }, () => newTask());
    const insert = (task: ReturnType<typeof newTask>) =>
      store.tasks.insert(task, { events: [], audit: [] });
    await Promise.all(tasks.map(insert));
    const [first, last] = [tasks[0]?.id ?? "", tasks.at(-1)?.id ?? ""];
    let over = false;
    const inserted = insert(newTask()).finally(() => {
      over = true;
    });
    while (!over) {
      expect((await store.tasks.get(first))?.id).toBe(first);
      expect((await store.tasks.get(last))?.id).toBe(last);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await inserted;
    expect((await store.tasks.get(first))?.id).toBe(first);
  });

  it("I10 keeps its log short, however much is written", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    await using store = openStore({ file, seal });
    const MIB = 1024 * 1024;
    let longest = 0;
    for (let n = 0; n < 48; n++) {
      const task = newTask({ canonicalPlan: "x".repeat(4 * MIB) });
      await store.tasks.insert(task, { events: [], audit: [] });
      longest = Math.max(longest, statSync(`${file}-wal`).size);
    }
    expect(longest / MIB).toBeLessThan(28);
  });

  it("undoes a group that another process hinders, and recovers", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    await using store = openStore({ file, seal });
    const delivered: number[] = [];
    store.events.onCommitted((events) => delivered.push(events.length));
    const task = newTask();
    {
      using other = new DatabaseSync(file);
      other.exec("BEGIN IMMEDIATE");
      const refused = store.tasks.insert(task, recordsOf(task, "task_planned"));
      await expect(refused).rejects.toMatchObject({ code: "audit_unavailable" });
      const signature = { keyId: "k", timestamp: 1, forgetAt: 2, mac: new Uint8Array(32) };
      await expect(store.replays.remember(signature)).rejects.toMatchObject({
        code: "audit_unavailable",
      });
      expect(store.problem).toMatch(/locked/);
      other.exec("ROLLBACK");
    }
    expect(await store.check()).toBeUndefined();
    expect(delivered).toEqual([]);
    await store.tasks.insert(task, recordsOf(task, "task_planned"));
    expect(delivered).toEqual([1]);
    expect((await store.audit.head()).seq).toBe(1);
  }, 20_000);

  it("never goes on in another file that took the place of its own", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    await using store = openStore({ file, seal });
    const append = () => store.audit.append([{ type: "t", key_id: null, time: "now" }]);
    await append();
    using other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    await expect(append()).rejects.toMatchObject({ code: "audit_unavailable" });
    other.exec("DELETE FROM audit; COMMIT");
    await expect(append()).rejects.toThrow(/was replaced/);
    expect(await store.check()).toMatch(/was replaced/);
  });

  it("finds tasks and their audit records across the blocks of its index", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    const tasks = Array.from({ length: 20_000 }, () => newTask());
    const picked = [0, 8_191, 8_192, 16_384, 19_999].map((n) => tasks[n]?.id ?? "");
    const check = async (store: SqliteStore) => {
      for (const id of picked) {
        expect((await store.tasks.get(id))?.id).toBe(id);
        expect((await store.audit.read(0, 9, id)).map((record) => record.task_id)).toEqual([id]);
        expect(await store.events.read(0, 9, { taskId: id })).toHaveLength(1);
      }
      expect(await store.tasks.get(newTask().id)).toBeUndefined();
    };
    {
      await using store = openStore({ file, seal });
      await Promise.all(
        tasks.map((task) => store.tasks.insert(task, recordsOf(task, "task_planned"))),
      );
      await check(store);
    }
    await using store = openStore({ file, seal });
    await check(store);
  });

  it("finds the audit records of tasks that were removed, also after a restart", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    const { state, ...fields } = newTask();
    const task = { ...fields, state: { ...state, status: "completed" as const } };
    {
      await using store = openStore({ file, seal });
      await store.tasks.insert(task, recordsOf(task, "task_completed"));
      const later = new Date(Date.parse(task.created_at) + 1).toISOString();
      expect(await store.tasks.removeFinished(later, 1)).toMatchObject({ tasks: 1 });
      expect(await store.audit.read(0, 9, task.id)).toHaveLength(1);
    }
    await using store = openStore({ file, seal });
    expect(await store.tasks.get(task.id)).toBeUndefined();
    expect(await store.audit.read(0, 9, task.id)).toHaveLength(1);
  });

  it("forgets the index and the counts of a group that was undone", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    let jammed = false;
    await using store = openStore({
      file,
      seal: (draft, head) => {
        const record = seal(draft, head);
        // Not a value SQLite takes: the write fails in its middle.
        return jammed ? { ...record, mac: undefined as unknown as string } : record;
      },
    });
    await store.tasks.countByStatus();
    const [kept, undone] = [newTask(), newTask()];
    jammed = true;
    const writes = [
      store.tasks.insert(kept, { events: [], audit: [] }),
      store.tasks.insert(undone, recordsOf(undone, "task_planned")),
    ];
    for (const write of await Promise.allSettled(writes)) expect(write.status).toBe("rejected");
    jammed = false;
    expect(await store.tasks.countByStatus()).toMatchObject({ planned: 0 });
    await store.tasks.insert(kept, recordsOf(kept, "task_planned"));
    expect(await store.tasks.get(undone.id)).toBeUndefined();
    expect(await store.tasks.get(kept.id)).toBeDefined();
    expect(await store.tasks.countByStatus()).toMatchObject({ planned: 1 });
  });

  it("prunes more signatures than fit one transaction", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    await using store = openStore({ file, seal });
    const mac = (n: number) => Buffer.alloc(32, `${n}`);
    const remembered = await Promise.all(
      Array.from({ length: 5_000 }, (_, n) =>
        store.replays.remember({ keyId: "k", timestamp: n >> 3, forgetAt: 9_000, mac: mac(n) }),
      ),
    );
    await Promise.all(remembered.map((answer) => answer.durable));
    await store.replays.prune(68_999);
    using reader = new DatabaseSync(file, { readOnly: true });
    const count = () => reader.prepare("SELECT count(*) AS n FROM replays").get()?.n;
    expect(count()).toBe(5_000);
    await store.replays.prune(69_000);
    expect(count()).toBe(0);
  });
});

/** Changes a database behind the store's back. */
function change(file: string, sql: string): void {
  using database = new DatabaseSync(file);
  database.exec(sql);
}

function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "gateway-store-"));
}

function temporaryFolder(): string {
  const folder = makeFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
