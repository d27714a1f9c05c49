import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSealer } from "../../src/audit/chain.ts";
import type { AuditDraft, AuditList, AuditRecord } from "../../src/contract/audit.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** Somewhere in the middle. */
const SEQ = 9;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
  for (const name of ["a", "b", "c"]) {
    await run(gateway, "fs.write", { path: `/tmp/${name}.txt`, content: name });
  }
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

test("audit verify finds a clean log clean beside the running gateway, whose head is exported", async () => {
  const { exit, verdict } = await verify(gateway.dataDir);
  expect(verdict).toMatchObject({ ok: true });
  expect(exit).toBe(0);
  const { head } = (
    await call<AuditList>(gateway, "GET", "/audit", undefined, gateway.keys.approver)
  ).body;
  expect(verdict.head).toEqual(head);
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(metrics).toContain(`bytebot_gateway_audit_head{mac="${head.mac}"} ${head.seq}`);
  const named = `${head.seq}:${head.mac}`;
  expect((await verify(gateway.dataDir, "--head", named)).exit).toBe(0);
  const other = `${head.seq}:hmac-sha256:${"0".repeat(64)}`;
  const contradicted = await verify(gateway.dataDir, "--head", other);
  expect(contradicted).toMatchObject({ exit: 1, verdict: { problem: "replaced" } });
});

describe("audit verify", () => {
  beforeAll(async () => {
    // Its head is exported when it ends, and from time to time before.
    await gateway.stop();
  });
  /** What somebody who can write the database does to it, and what is found. */
  const TAMPERING: readonly [string, (db: DatabaseSync) => void, string, number, RegExp][] = [
    [
      "a record is edited",
      (db) =>
        db.exec(
          `UPDATE audit SET body = json_set(body, '$.time', '2026-01-01T00:00:00.000Z') WHERE seq = ${SEQ}`,
        ),
      "edited",
      SEQ,
      /Record 9 was changed/,
    ],
    [
      "the newest record is edited",
      (db) => db.exec("UPDATE audit SET body = '{}' WHERE seq = (SELECT max(seq) FROM audit)"),
      "edited",
      Number.NaN,
      /the newest, was changed/,
    ],
    [
      "a record is made unreadable",
      (db) => db.exec(`UPDATE audit SET body = 'x' WHERE seq = ${SEQ}`),
      "edited",
      SEQ,
      /Record 9 was changed/,
    ],
    [
      "a record in the middle is removed",
      (db) => db.exec(`DELETE FROM audit WHERE seq = ${SEQ}`),
      "removed",
      SEQ,
      /Record 9 is missing/,
    ],
    [
      "the first records are removed",
      (db) => db.exec("DELETE FROM audit WHERE seq BETWEEN 1 AND 3"),
      "removed",
      1,
      /Records 1 to 3 are missing/,
    ],
    [
      "a record is removed and the rest renumbered",
      (db) => {
        db.exec(`DELETE FROM audit WHERE seq = ${SEQ}`);
        db.exec(`UPDATE audit SET seq = -seq WHERE seq > ${SEQ}`);
        db.exec("UPDATE audit SET seq = -seq - 1 WHERE seq < 0");
      },
      "resealed",
      SEQ,
      /From record 9 on/,
    ],
    [
      "two records change places",
      (db) => swap(db, SEQ, SEQ + 3),
      "reordered",
      SEQ,
      /Record 9 stands at place 12/,
    ],
    [
      "a record is hidden from the searches of its task",
      (db) => db.exec(`UPDATE audit SET task = NULL WHERE seq = ${SEQ}`),
      "misfiled",
      SEQ,
      /Record 9 is filed under another task/,
    ],
    [
      "a record is filed under another task",
      (db) => db.exec(`UPDATE audit SET task = task + 1 WHERE seq = ${SEQ}`),
      "misfiled",
      SEQ,
      /Record 9 is filed under another task/,
    ],
    [
      "a record of the service is filed under a task",
      (db) => db.exec("UPDATE audit SET task = 1 WHERE seq = 1"),
      "misfiled",
      1,
      /Record 1 is filed under another task/,
    ],
    [
      "the end is cut off",
      (db) => db.exec(`DELETE FROM audit WHERE seq > ${SEQ}`),
      "truncated",
      SEQ + 1,
      /ends at record 9/,
    ],
    [
      "everything is removed",
      (db) => db.exec("DELETE FROM audit"),
      "truncated",
      1,
      /ends at record 0/,
    ],
    [
      "the end is sealed anew with another key",
      (db) => reseal(db, SEQ),
      "resealed",
      SEQ,
      /From record 9 on .* another key/,
    ],
    [
      "the whole chain is sealed anew with another key",
      (db) => reseal(db, 1),
      "resealed",
      1,
      /No record carries the seal/,
    ],
  ];

  test.each(TAMPERING)("I6 finds that %s", async (_, tamper, problem, seq, message) => {
    const folder = copyOfData();
    {
      using database = new DatabaseSync(databaseOf(folder));
      tamper(database);
    }
    const { exit, verdict } = await verify(folder);
    expect(verdict).toMatchObject({ ok: false, problem, detail: expect.stringMatching(message) });
    expect(exit).toBe(1);
    expect(verdict.seq).toBe(Number.isNaN(seq) ? lastSeq(folder) : seq);
    expect(verdict.records).toBe(verdict.seq - 1);
    const words = ["audit", "verify", "--data-dir", folder];
    const forPeople = await cli(gateway, words);
    expect(forPeople.exit).toBe(1);
    expect(forPeople.stdout).toContain(verdict.detail);
  });

  test("a database without tables, or of another program, is called that", async () => {
    const folder = join(gateway.directory, "empty");
    mkdirSync(folder);
    writeFileSync(databaseOf(folder), "");
    const words = ["audit", "verify", "--data-dir", folder];
    const empty = await cli(gateway, words);
    expect(empty.exit).toBe(2);
    expect(empty.stderr).toContain("no gateway has written it");
    const backup = ["backup", join(gateway.directory, "backup.db"), "--data-dir", folder];
    expect((await cli(gateway, backup)).stderr).toContain("no gateway has written it");
    const other = copyOfData();
    {
      using database = new DatabaseSync(databaseOf(other));
      database.exec("DROP TABLE audit");
    }
    const dropped = await cli(gateway, ["audit", "verify", "--data-dir", other]);
    expect(dropped.exit).toBe(2);
    expect(dropped.stderr).toContain("is not whole");
    for (const { stderr } of [empty, dropped]) expect(stderr).not.toMatch(/SELECT|\n {4}at /);
  });

  test("I6 a cut end without its head file is found by a head noted elsewhere", async () => {
    const { head } = (await verify(gateway.dataDir)).verdict;
    const folder = copyOfData();
    {
      using database = new DatabaseSync(databaseOf(folder));
      database.exec(`DELETE FROM audit WHERE seq > ${SEQ}`);
    }
    rmSync(join(folder, "audit-head.json"));
    // An honest limit: what is left is a chain that verifies.
    expect(await verify(folder)).toMatchObject({ exit: 0, verdict: { records: SEQ } });
    const found = await verify(folder, "--head", `${head?.seq}:${head?.mac}`);
    expect(found).toMatchObject({ exit: 1, verdict: { problem: "truncated", seq: SEQ + 1 } });
  });

  test("I6 a head file that was edited, or another key, is found", async () => {
    const folder = copyOfData();
    const file = join(folder, "audit-head.json");
    const content = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...content, seq: 1 }));
    expect(await verify(folder)).toMatchObject({ exit: 1, verdict: { problem: "head_file" } });
    const other = { env: { AUDIT_KEY: "another key, as long as it must be" } };
    const words = ["audit", "verify", "--json", "--data-dir", gateway.dataDir];
    expect((await cli(gateway, words, other)).exit).toBe(1);
  });
});

interface Verdict {
  readonly ok: boolean;
  readonly seq: number;
  readonly records: number;
  readonly detail: string;
  readonly head?: AuditList["head"];
}

async function verify(
  dataDir: string,
  ...options: readonly string[]
): Promise<{ exit: number | null; verdict: Verdict }> {
  const words = ["audit", "verify", "--json", "--data-dir", dataDir, ...options];
  const { exit, stdout } = await cli(gateway, words);
  return { exit, verdict: JSON.parse(stdout) };
}

let copies = 0;
/** Of the database as a stopped gateway would leave it, with a head exported for it. */
function copyOfData(): string {
  copies += 1;
  const folder = join(gateway.directory, `copy-${copies}`);
  cpSync(gateway.dataDir, folder, { recursive: true });
  return folder;
}

function databaseOf(dataDir: string): string {
  return join(dataDir, "gateway.db");
}

function lastSeq(dataDir: string): number {
  using database = new DatabaseSync(databaseOf(dataDir), { readOnly: true });
  return Number(database.prepare("SELECT max(seq) AS seq FROM audit").get()?.seq);
}

function swap(db: DatabaseSync, a: number, b: number): void {
  db.exec(`UPDATE audit SET seq = -1 WHERE seq = ${a};
    UPDATE audit SET seq = ${a} WHERE seq = ${b};
    UPDATE audit SET seq = ${b} WHERE seq = -1`);
}

/** Seals every record from `first` on as the program does, under a key that is not its own. */
function reseal(db: DatabaseSync, first: number): void {
  const seal = createSealer("the key of somebody else");
  const mac = db.prepare("SELECT mac FROM audit WHERE seq = ?").get(first - 1)?.mac;
  let head = { seq: first - 1, mac: first === 1 ? "" : `hmac-sha256:${hex(mac)}` };
  const rows = db.prepare("SELECT seq, body FROM audit WHERE seq >= ? ORDER BY seq").all(first);
  const update = db.prepare("UPDATE audit SET mac = ? WHERE seq = ?");
  for (const { seq, body } of rows) {
    const draft: AuditDraft = JSON.parse(String(body));
    const record: AuditRecord = seal(draft, head);
    if (record.seq === 1) update.run(record.prev, 0);
    update.run(Buffer.from(record.mac.slice("hmac-sha256:".length), "hex"), Number(seq));
    head = { seq: record.seq, mac: record.mac };
  }
}

function hex(bytes: SQLOutputValue | undefined): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("hex") : "";
}
