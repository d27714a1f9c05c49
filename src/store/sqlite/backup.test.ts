import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { grantOf, newTask, recordsOf } from "../../../test/support/store/test-records.ts";
import { createSealer } from "../../audit/chain.ts";
import { AuditHeadFile } from "../../audit/head-file.ts";
import { verifyAudit } from "../../audit/verify.ts";
import type { NewTask } from "../../tasks/task-store.ts";
import { backupStore } from "./backup.ts";
import { claimDataDir } from "./claim.ts";
import { dataDirFiles } from "./data-dir.ts";
import { readAuditRecords } from "./read-audit-records.ts";
import { applyStagedRestore, restoreStore } from "./restore.ts";
import { openStore, type SqliteStore } from "./store.ts";

const auditKey = "the audit key of these tests";
const seal = createSealer(auditKey);

describe("backup", () => {
  it("copies database and artifacts into one private file, beside a store that writes", async () => {
    const { data, file } = setUp();
    await using store = open(data);
    const task = await plan(store);
    const big = Buffer.alloc(2_500_000, "abc");
    await keep(store, data, task, big);
    let writing = true;
    const writer = (async () => {
      while (writing) await plan(store);
    })();
    const report = await backupStore(data, file);
    writing = false;
    await writer;
    expect(report).toMatchObject({ file, artifacts: 1, auditSeq: expect.any(Number) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, ".."))).toEqual(["backup.db"]);

    const target = join(data, "..", "target");
    expect(restoreStore(target, file)).toMatchObject({ state: "restored", artifacts: 1 });
    await using restored = open(target);
    expect((await restored.tasks.get(task.id))?.digest).toBe(task.digest);
    const [artifact] = await restored.artifacts.listByTask(task.id);
    const bytes = readFileSync(join(dataDirFiles(target).artifacts, artifact?.id ?? ""));
    expect(bytes.equals(big)).toBe(true);
  });

  it("never overwrites, and leaves nothing where it fails", async () => {
    const { data, file } = setUp();
    await using _ = open(data);
    writeFileSync(file, "precious");
    await expect(backupStore(data, file)).rejects.toThrow(/exists already/);
    expect(readFileSync(file, "utf8")).toBe("precious");
    await expect(backupStore(join(data, "none"), `${file}2`)).rejects.toThrow(/no database/);
    expect(readdirSync(join(file, ".."))).toEqual(["backup.db"]);
  });
});

describe("restore", () => {
  it("puts the backup in place, keeps what was there, and tells the audit log", async () => {
    const { data, file } = setUp();
    const files = dataDirFiles(data);
    const signature = { keyId: "k", timestamp: 5, forgetAt: 9e15, mac: new Uint8Array(32) };
    let kept: NewTask;
    let lost: NewTask;
    {
      await using store = open(data);
      await using head = await AuditHeadFile.open({
        store: store.audit,
        file: files.auditHead,
        auditKey,
      });
      kept = await plan(store);
      await backupStore(data, file);
      lost = await plan(store);
      await store.settings.set("stopped", "true", { events: [], audit: [] });
      await (await store.replays.remember(signature)).durable;
      await head.write();
    }
    const report = restoreStore(data, file);
    expect(report).toMatchObject({ state: "restored", ended: 1 });
    const aside = report.state === "restored" ? report.kept : undefined;
    expect(aside).toMatch(/gateway\.db\.before-restore-/);

    await using store = open(data);
    await using head = await AuditHeadFile.open({
      store: store.audit,
      file: files.auditHead,
      auditKey,
      onProblem: (problem) => expect.unreachable(problem),
    });
    await head.write();
    expect(await store.tasks.get(lost.id)).toBeUndefined();
    // What may have run since the backup does not run again, what was stopped stays stopped, a
    // signature used since stays used, an event id is given once.
    expect((await store.tasks.get(kept.id))?.state?.status).toBe("expired");
    expect(await store.settings.get("stopped")).toBe("true");
    expect((await store.replays.remember(signature)).fresh).toBe(false);
    await plan(store);
    expect(await store.events.lastId()).toBe(3);

    const types = (await store.audit.read(0, 9)).map((record) => record.type);
    expect(types).toEqual(["task_planned", "gateway.restored", "task_planned"]);
    const [told] = await store.audit.read(1, 1);
    expect(told?.details).toMatchObject({ replaced_head: { seq: 2 }, ended_tasks: 1 });
    await head.write();
    const read = () => readAuditRecords(files.database);
    const verdict = await verifyAudit({ read, headFile: files.auditHead, auditKey });
    expect(verdict).toMatchObject({ ok: true, records: 3, exported: { seq: 3 } });
    // The log that was replaced can still be verified.
    const old = await verifyAudit({ read: () => readAuditRecords(aside ?? ""), auditKey });
    expect(old).toMatchObject({ ok: true, records: 2 });
  });

  it("I5 ends what was confirmed or under way as interrupted", async () => {
    const { data, file } = setUp();
    const ids: string[] = [];
    {
      await using store = open(data);
      for (const status of ["queued", "running", "completed"] as const) {
        const { state } = newTask();
        ids.push((await plan(store, { state: { ...state, executed: true, status } })).id);
      }
      await backupStore(data, file);
    }
    restoreStore(data, file);
    await using store = open(data);
    const states = await Promise.all(ids.map(async (id) => (await store.tasks.get(id))?.state));
    expect(states.map((state) => [state?.status, state?.error?.code])).toEqual([
      ["interrupted", "outcome_unknown"],
      ["interrupted", "outcome_unknown"],
      ["completed", undefined],
    ]);
    expect(await store.tasks.openRequesters()).toEqual([]);
  });

  it("I15 brings no grant back, which may have been revoked since", async () => {
    const { data, file } = setUp();
    const none = { events: [], audit: [] };
    {
      await using store = open(data);
      await store.grants.insert(grantOf("a"), none);
      await backupStore(data, file);
      await store.grants.remove(grantOf("a").id, none);
      await store.grants.insert(grantOf("b"), none);
    }
    restoreStore(data, file);
    await using store = open(data);
    expect(await store.grants.list()).toEqual([]);
  });

  it("I15 leaves signed in who is now, and removed who was removed since", async () => {
    const { data, file } = setUp();
    const put = (id: string, fields: object = {}) => ({
      put: "person" as const,
      record: { id, name: id, role: "operator" as const, handle: id, created_at: "", ...fields },
    });
    const session = (id: string) => ({
      put: "session" as const,
      record: { id, person: "anna", method: "passkey" as const, started_at: 1, seen_at: 1 },
    });
    {
      await using store = open(data);
      await store.people.apply([put("anna"), put("gone"), session("old")], []);
      await backupStore(data, file);
      await store.people.apply(
        [put("gone", { removed_at: "2026" }), { drop: "session", id: "old" }, session("new")],
        [],
      );
    }
    restoreStore(data, file);
    {
      await using store = open(data);
      const { person, session: sessions } = await store.people.load();
      expect(person.map(({ id, removed_at }) => [id, removed_at])).toEqual([
        ["anna", undefined],
        ["gone", "2026"],
      ]);
      expect(sessions.map(({ id }) => id)).toEqual(["new"]);
    }
    const elsewhere = join(data, "..", "elsewhere");
    restoreStore(elsewhere, file);
    await using moved = open(elsewhere);
    const state = await moved.people.load();
    expect(state.person.map(({ id }) => id)).toEqual(["anna", "gone"]);
    expect(state.session).toEqual([]);
  });

  it("is staged where a gateway runs, and put in place at its next start", async () => {
    const { data, file } = setUp();
    const files = dataDirFiles(data);
    let kept: NewTask;
    let lost: NewTask;
    {
      using _claim = claimDataDir(data);
      await using store = open(data);
      kept = await plan(store);
      await backupStore(data, file);
      lost = await plan(store);
      expect(restoreStore(data, file)).toMatchObject({ state: "staged", file: files.staged });
      expect(await store.tasks.get(lost.id)).toBeDefined();
    }
    using _claim = claimDataDir(data);
    expect(applyStagedRestore(data)).toMatchObject({ state: "restored" });
    expect(applyStagedRestore(data)).toBeUndefined();
    await using store = open(data);
    expect(await store.tasks.get(kept.id)).toBeDefined();
    expect(await store.tasks.get(lost.id)).toBeUndefined();
  });

  it("comes to the same end after a crash at any step", async () => {
    const { data, file } = setUp();
    const files = dataDirFiles(data);
    {
      await using store = open(data);
      await keep(store, data, await plan(store), Buffer.from("bytes"));
      await backupStore(data, file);
      await plan(store);
    }
    // Staged; then: the next database half-written, the old one aside, the new one in place.
    const stage = () => copyFileSync(file, files.staged);
    const crashes = [
      () => writeFileSync(`${files.database}.restoring`, "half"),
      () => rmSync(files.database),
      () => {},
    ];
    for (const crash of crashes) {
      stage();
      crash();
      expect(applyStagedRestore(data)).toMatchObject({ state: "restored", artifacts: 1 });
      await using store = open(data);
      expect(await store.tasks.list({ limit: 9 })).toHaveLength(1);
      expect((await store.audit.read(0, 9)).map((record) => record.type)).toEqual([
        "task_planned",
        "gateway.restored",
      ]);
    }
  });

  it("replaces a database that is beyond reading", async () => {
    const { data, file } = setUp();
    const files = dataDirFiles(data);
    {
      await using store = open(data);
      await plan(store);
      await backupStore(data, file);
    }
    writeFileSync(files.database, "garbage".repeat(1000));
    expect(restoreStore(data, file)).toMatchObject({ state: "restored" });
    await using store = open(data);
    expect(await store.tasks.list({ limit: 9 })).toHaveLength(1);
  });

  it.each([
    ["is cut short", (file: string) => truncateSync(file, 8192)],
    ["is no database", (file: string) => writeFileSync(file, "text".repeat(2000))],
    ["is newer", (file: string) => change(file, "PRAGMA user_version = 99")],
    ["is no backup", (file: string) => change(file, "DROP TABLE backup_mark")],
    ["is not there", (file: string) => rmSync(file)],
    ["is damaged", (file: string) => damage(file)],
  ])("changes nothing where the file %s", async (_, spoil) => {
    const { data, file } = setUp();
    await using store = open(data);
    const task = await plan(store, { canonicalPlan: "x".repeat(100_000) });
    await backupStore(data, file);
    spoil(file);
    expect(() => restoreStore(data, file)).toThrow(file);
    expect(await store.tasks.get(task.id)).toBeDefined();
    expect(readdirSync(data).filter((name) => name.includes("restor"))).toEqual([]);
  });
});

describe("claimDataDir", () => {
  it("lets one gateway run on a folder, naming the other, until it ends", () => {
    const { data } = setUp();
    {
      using _ = claimDataDir(data);
      expect(() => claimDataDir(data)).toThrow(new RegExp(`process ${process.pid}.*DATA_DIR`, "s"));
    }
    claimDataDir(data)[Symbol.dispose]();
  });
});

function open(data: string): SqliteStore {
  return openStore({ file: dataDirFiles(data).database, seal });
}

async function plan(store: SqliteStore, fields: Partial<NewTask> = {}): Promise<NewTask> {
  const task = newTask(fields);
  await store.tasks.insert(task, recordsOf(task, "task_planned"));
  return task;
}

async function keep(
  store: SqliteStore,
  data: string,
  task: NewTask,
  content: Uint8Array,
): Promise<void> {
  const { artifacts } = dataDirFiles(data);
  mkdirSync(artifacts, { recursive: true });
  const id = `artifact_${"a".repeat(22)}`;
  writeFileSync(join(artifacts, id), content);
  await store.artifacts.insert(
    {
      id,
      task_id: task.id,
      requester: "default",
      owner: task.requester,
      step: 0,
      media_type: "text/plain",
      size: content.byteLength,
      name: "a.txt",
      created_at: task.created_at,
    },
    1024,
  );
}

function change(file: string, sql: string): void {
  using database = new DatabaseSync(file);
  database.exec(sql);
}

/** Overwrites pages in the middle. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0xff, Math.floor(bytes.length / 4096 / 2) * 4096, bytes.length - 4096);
  writeFileSync(file, bytes);
}

function setUp(): { data: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "gateway-backup-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const backups = join(folder, "backups");
  mkdirSync(backups);
  return { data: join(folder, "data"), file: join(backups, "backup.db") };
}
