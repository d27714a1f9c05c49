import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList, AuditRecord } from "../../src/contract/audit.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { authHeaders, call, signedFetch } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { openEvents, type StreamEvent } from "../support/events.ts";
import { approve, plan, run, task } from "../support/flow.ts";
import { type Credentials, type Gateway, startGateway } from "../support/gateway.ts";

/** Addresses in answers do not depend on the port. */
const PUBLIC_URL = "http://localhost:8089";
const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { rate_limit_per_minute: 1_000_000 },
};
/** Over 64 KB: its text becomes an artifact. */
const LONG_TEXT = "0123456789abcdef".repeat(8192);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ policy: POLICY, env: { PUBLIC_URL } });
  writeFileSync(gateway.file("/tmp/long.txt"), LONG_TEXT);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("backup and restore elsewhere", () => {
  test("I6 a backup taken under load has all that was acknowledged before, and verifies", async () => {
    await run(gateway, "fs.write", { path: "/tmp/a.txt", content: "a" });
    await run(gateway, "fs.read", { path: "/tmp/long.txt" });
    await plan(gateway, "fs.read", { path: "/tmp/long.txt" });
    const load = new AbortController();
    const workers = Array.from({ length: 4 }, () => keepRunning(load.signal));
    await run(gateway, "wait", { duration_ms: 1 });
    const before = await stateOf(gateway, gateway.keys.approver);

    const file = join(gateway.directory, "under-load.db");
    const taken = await cli(gateway, ["backup", "--json", file]);
    load.abort();
    const made = (await Promise.all(workers)).reduce((sum, count) => sum + count, 0);
    expect(taken).toMatchObject({ exit: 0 });
    expect(made).toBeGreaterThan(0);
    const report = JSON.parse(taken.stdout);
    expect(report.auditSeq).toBeGreaterThanOrEqual(before.records.length);
    expect(report.artifacts).toBeGreaterThanOrEqual(1);

    const elsewhere = join(gateway.directory, "elsewhere");
    const restored = await cli(gateway, ["restore", "--json", "--data-dir", elsewhere, file]);
    expect(JSON.parse(restored.stdout)).toMatchObject({ state: "restored" });
    await using second = await startBeside(elsewhere);
    const after = await stateOf(second, gateway.keys.approver);
    for (const known of before.tasks) {
      const there = await task(second, known.task_id, gateway.keys.approver);
      if (isFinished(known)) expect(there).toEqual(known);
    }
    expect(after.events.slice(0, before.events.length)).toEqual(before.events);
    expect(after.records.slice(0, before.records.length)).toEqual(before.records);
    const [next] = await recordsAfter(second, report.auditSeq);
    expect(next).toMatchObject({
      type: "gateway.restored",
      details: { backup_head: { seq: report.auditSeq } },
    });
    await artifactsAreThere(second, before.tasks);
    const verdict = await cli(gateway, ["audit", "verify", "--json", "--data-dir", elsewhere]);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ ok: true });
  });

  test("I5 what was under way in the backup does not run a second time", async () => {
    const open = await plan(gateway, "fs.write", { path: "/tmp/open.txt", content: "x" });
    const approved = await plan(gateway, "fs.write", { path: "/tmp/approved.txt", content: "x" });
    await approve(gateway, approved);
    const file = join(gateway.directory, "under-way.db");
    expect(await cli(gateway, ["backup", file])).toMatchObject({ exit: 0 });
    const elsewhere = join(gateway.directory, "under-way");
    await cli(gateway, ["restore", "--data-dir", elsewhere, file]);
    await using second = await startBeside(elsewhere);
    const read = (id: string) => task(second, id, gateway.keys.default);
    expect((await read(open.task_id)).status).toBe("expired");
    expect(await read(approved.task_id)).toMatchObject({
      status: "interrupted",
      error: { code: "outcome_unknown" },
    });
    const { keys } = gateway;
    const execute = { task_id: approved.task_id };
    const again = await call(second, "POST", "/execute?wait=5", execute, keys.default);
    expect(again).toMatchObject({ status: 200, body: { status: "interrupted" } });
    expect(existsSync(second.file("/tmp/approved.txt"))).toBe(false);
  });
});

describe("restore beside a running gateway", () => {
  test("I6 I9 is staged, put in place at the next start, and kept in the record", async () => {
    const kept = await run(gateway, "fs.write", { path: "/tmp/kept.txt", content: "kept" });
    const file = join(gateway.directory, "staged.db");
    const taken = await cli(gateway, ["backup", "--json", file]);
    const body = JSON.stringify({ action: "wait", parameters: { duration_ms: 1 } });
    const used = authHeaders(gateway.keys.default, "POST", "/plan", body);
    const later = await signedFetch(gateway, "POST", "/plan", body, {}, used);
    const { task_id: lost } = (await later.json()) as TaskView;
    const eventsBefore = await lastEventId(gateway);

    const staged = await cli(gateway, ["restore", "--json", file]);
    expect(JSON.parse(staged.stdout)).toMatchObject({ state: "staged" });
    expect((await task(gateway, lost)).status).toBe("planned");
    const head = await auditHead(gateway);
    await gateway.restart();

    expect((await call(gateway, "GET", `/tasks/${lost}`)).status).toBe(404);
    expect((await task(gateway, kept.task_id)).result).toEqual(kept.result);
    const aside = readdirSync(gateway.dataDir).filter((name) => /before-restore/.test(name));
    expect(aside).toEqual(
      expect.arrayContaining([expect.stringMatching(/^gateway\.db\.before-restore-[^/]*Z$/)]),
    );
    const records = await recordsAfter(gateway, JSON.parse(taken.stdout).auditSeq);
    const restored = records.find(({ type }) => type === "gateway.restored");
    const replaced = restored?.details?.replaced_head as AuditList["head"];
    expect(replaced.seq).toBeGreaterThanOrEqual(head.seq);
    const verdict = await cli(gateway, ["audit", "verify", "--json"]);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ ok: true });
    // What was given or used since the backup is not given or accepted again.
    const replay = await signedFetch(gateway, "POST", "/plan", body, {}, used);
    expect(await replay.json()).toMatchObject({ status: 401, code: "signature_replayed" });
    await run(gateway, "wait", { duration_ms: 1 });
    expect(await lastEventId(gateway)).toBeGreaterThan(eventsBefore);
  });
});

describe("what is refused", () => {
  let backup: string;
  beforeAll(async () => {
    backup = join(gateway.directory, "sound.db");
    expect(await cli(gateway, ["backup", backup])).toMatchObject({ exit: 0 });
  });

  const changed = (name: string, change: (file: string) => void): string => {
    const file = join(gateway.directory, name);
    copyFileSync(backup, file);
    change(file);
    return file;
  };
  const sql = (statement: string) => (file: string) => {
    using database = new DatabaseSync(file);
    database.exec(statement);
  };
  const damage: readonly [string, (file: string) => void, RegExp][] = [
    ["garbage", (file) => writeFileSync(file, "x".repeat(10_000)), /not a sound backup/],
    ["nothing", (file) => writeFileSync(file, ""), /not a sound backup/],
    [
      "half of one",
      (file) => {
        const bytes = readFileSync(file);
        writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
      },
      /not a sound backup/,
    ],
    ["a newer version's", sql("PRAGMA user_version = 99"), /schema version 99/],
    ["another program's", sql("PRAGMA application_id = 7"), /another program/],
    ["a database that is no backup", sql("DROP TABLE backup_mark"), /not a sound backup/],
  ];

  test.each(damage)("restoring %s changes nothing", async (name, change, why) => {
    const file = changed(`${name.replaceAll(" ", "-")}.db`, change);
    const before = readdirSync(gateway.dataDir).filter((each) => !/-(wal|shm)$/.test(each));
    const beside = await cli(gateway, ["restore", file]);
    expect(beside.exit).toBe(1);
    expect(beside.stderr).toMatch(why);
    const after = readdirSync(gateway.dataDir).filter((each) => !/-(wal|shm)$/.test(each));
    expect(after).toEqual(before);
    const elsewhere = join(gateway.directory, `from ${name}`);
    const offline = await cli(gateway, ["restore", "--data-dir", elsewhere, file]);
    expect(offline.exit).toBe(1);
    expect(existsSync(join(elsewhere, "gateway.db"))).toBe(false);
  });

  test("a backup never overwrites, and neither needs a file that is not there", async () => {
    const content = readFileSync(backup);
    const twice = await cli(gateway, ["backup", backup]);
    expect(twice).toMatchObject({ exit: 1, stderr: expect.stringMatching(/exists already/) });
    expect(readFileSync(backup).equals(content)).toBe(true);
    const missing = join(gateway.directory, "missing.db");
    expect((await cli(gateway, ["restore", missing])).exit).toBe(1);
    const nowhere = join(gateway.directory, "nowhere");
    const nothing = await cli(gateway, ["backup", "--data-dir", nowhere, missing]);
    expect(nothing.exit).toBe(1);
    expect(existsSync(missing)).toBe(false);
  });
});

interface State {
  readonly tasks: readonly TaskView[];
  readonly events: readonly StreamEvent[];
  readonly records: readonly AuditRecord[];
}

/** A gateway on a restored DATA_DIR, with the keys of the first. */
function startBeside(dataDir: string): Promise<Gateway> {
  const { keys, auditKey } = gateway;
  const secrets = {
    SHARED_SECRET: keys.default.secret,
    APPROVER_SECRET: keys.approver.secret,
    API_TOKEN: keys.api.token,
    AUDIT_KEY: auditKey,
  };
  return startGateway({ policy: POLICY, env: { PUBLIC_URL, DATA_DIR: dataDir, ...secrets } });
}

/** Everything an approver sees, at one moment or later. */
async function stateOf(from: Gateway, credentials: Credentials): Promise<State> {
  const read = async <Body>(target: string) =>
    (await call<Body>(from, "GET", target, undefined, credentials)).body;
  const { tasks } = await read<{ tasks: TaskView[] }>("/tasks?limit=200");
  const { records } = await read<AuditList>("/audit?limit=1000");
  await using reader = await openEvents(from, { credentials, query: "since=0" });
  const marker = await plan(from, "wait", { duration_ms: 1 }, gateway.keys.default);
  await reader.until("task_planned", marker.task_id);
  return { tasks, records, events: reader.seen.slice() };
}

async function artifactsAreThere(from: Gateway, tasks: readonly TaskView[]): Promise<void> {
  const artifacts = tasks.flatMap((each) => each.artifacts);
  expect(artifacts.length).toBeGreaterThan(0);
  for (const { url } of artifacts.slice(0, 5)) {
    const answer = await signedFetch(from, "GET", url, undefined, gateway.keys.approver);
    expect(await answer.text()).toBe(LONG_TEXT);
  }
}

/** Runs tasks one after the other; resolves with how many. */
async function keepRunning(signal: AbortSignal): Promise<number> {
  let count = 0;
  for (; !signal.aborted; count++) await run(gateway, "fs.read", { path: "/tmp/long.txt" });
  return count;
}

async function recordsAfter(from: Gateway, seq: number): Promise<AuditRecord[]> {
  const target = `/audit?after=${seq}`;
  const { approver } = gateway.keys;
  return (await call<AuditList>(from, "GET", target, undefined, approver)).body.records;
}

async function auditHead(from: Gateway): Promise<AuditList["head"]> {
  const { approver } = gateway.keys;
  return (await call<AuditList>(from, "GET", "/audit?limit=1", undefined, approver)).body.head;
}

async function lastEventId(from: Gateway): Promise<number> {
  const { approver } = from.keys;
  await using reader = await openEvents(from, { credentials: approver, query: "since=0" });
  const marker = await plan(from, "wait", { duration_ms: 1 });
  return (await reader.until("task_planned", marker.task_id)).id;
}

function isFinished({ status }: TaskView): boolean {
  return ["completed", "failed", "cancelled", "interrupted"].includes(status);
}
