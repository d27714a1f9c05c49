import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSealer } from "../../audit/chain.ts";
import { testStoreContract } from "../store-contract.ts";
import { newTask, recordsOf } from "../test-records.ts";
import { openStore } from "./store.ts";

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
    expect(() => openStore({ file, seal })).toThrow(/version 99.*up to 1.*newer gateway/s);
  });

  it("refuses another program's database, and what is none", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "text.db"), "no database".repeat(1000));
    expect(() => openStore({ file: join(folder, "text.db"), seal })).toThrow(/not a database/);
    change(join(folder, "other.db"), "CREATE TABLE mine (id INTEGER)");
    expect(() => openStore({ file: join(folder, "other.db"), seal })).toThrow(/another program/);
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

  it("finds tasks across the blocks of its index", async () => {
    const file = join(temporaryFolder(), "gateway.db");
    await using store = openStore({ file, seal });
    const first = newTask();
    await store.tasks.insert(first, { events: [], audit: [] });
    change(file, "UPDATE sqlite_sequence SET seq = 4096 * 3 WHERE name = 'tasks'");
    const last = newTask();
    await store.tasks.insert(last, { events: [], audit: [] });
    expect((await store.tasks.get(first.id))?.seq).toBe(1);
    expect((await store.tasks.get(last.id))?.seq).toBe(4096 * 3 + 1);
    expect(await store.tasks.get(newTask().id)).toBeUndefined();
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
    await store.replays.prune(8_999);
    using reader = new DatabaseSync(file, { readOnly: true });
    const count = () => reader.prepare("SELECT count(*) AS n FROM replays").get()?.n;
    expect(count()).toBe(5_000);
    await store.replays.prune(9_000);
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
