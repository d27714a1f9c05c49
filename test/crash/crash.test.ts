import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFailed, test } from "vitest";
import { createSealer } from "../../src/audit/chain.ts";
import { verifyAudit } from "../../src/audit/verify.ts";
import type { AuditList } from "../../src/contract/audit.ts";
import type { TaskList } from "../../src/contract/requests.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { readAuditRecords } from "../../src/store/sqlite/read-audit-records.ts";
import { openStore } from "../../src/store/sqlite/store.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { openEvents } from "../support/events.ts";
import { execute, plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { Acknowledged } from "./acknowledged.ts";
import { Load } from "./load.ts";

const ROUNDS = 22;
/** Answers before the process is killed: by then a long task runs. */
const FEWEST_ANSWERS = 3;
const MAX_ANSWERS = 120;
/** How often it is killed once more while it takes up what the last kill left. */
const KILLED_AGAIN = 0.25;

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  // So few at once that others queue behind them.
  security: { max_concurrent_tasks: 2, max_queued_tasks: 10_000, rate_limit_per_minute: 1_000_000 },
};

test("I5 I6 I9 SIGKILL under load loses nothing acknowledged and runs nothing twice", {
  timeout: 400_000,
}, async () => {
  const seed = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 2 ** 32));
  onTestFailed(() => console.error(`CRASH_SEED=${seed} repeats the choices of this run`));
  const random = randomFrom(seed);
  const known = new Acknowledged();
  const crashed = { running: 0, queued: 0 };
  await using gateway = await startGateway({ policy: POLICY });
  writeFileSync(gateway.file("/tmp/read-me.txt"), "read me");

  for (let round = 0; round < ROUNDS; round++) {
    const load = new Load(gateway, random, known);
    const reader = await openEvents(gateway, { credentials: gateway.keys.approver });
    const first = known.tasks.size;
    const running = load.run();
    const enough = load.answered(FEWEST_ANSWERS + Math.floor(random() * MAX_ANSWERS));
    await Promise.race([enough, running]);
    await pause(random() * 20);
    const head = await exportedHead(gateway);
    await load.kill();
    await running;
    await reader.ended();
    known.streamed(reader.seen);

    let left = await statesLeft(gateway);
    const interrupted = left.running;
    await gateway.start();
    await refuseReplays(gateway, known);
    if (random() < KILLED_AGAIN) {
      await pause(random() * 100);
      await gateway.kill();
      const later = await statesLeft(gateway);
      interrupted.push(...later.running);
      // Those taken from the queue since are done, or among the running.
      left = { running: [], queued: later.queued };
      await gateway.start();
    }
    crashed.running += interrupted.length;
    crashed.queued += left.queued.length;

    for (const id of interrupted) {
      const { status, error } = (await call<TaskView>(gateway, "GET", `/tasks/${id}`)).body;
      expect({ id, status, code: error?.code }).toEqual({
        id,
        status: "interrupted",
        code: "outcome_unknown",
      });
    }
    for (const id of left.queued) {
      expect({ id, status: (await execute(gateway, id)).status }).toEqual({
        id,
        status: "completed",
      });
    }
    const tasks = await listTasks(gateway, [...known.tasks.keys()].slice(first));
    for (const task of tasks) known.check(task);
    await load.askAgain();
    await checkEvents(gateway, known, Math.min(...reader.seen.map(({ id }) => id)));
    expect(await verify(gateway, head)).toMatchObject({ ok: true });
  }

  const tasks = await listTasks(gateway, [...known.tasks.keys()]);
  for (const task of tasks) {
    known.check(task);
    const { status } = await settled(gateway, known, task);
    known.checkEffect(gateway, { ...task, status });
  }
  await checkEvents(gateway, known, 1);
  const verdict = await cli(gateway, ["audit", "verify", "--json"]);
  expect(JSON.parse(verdict.stdout)).toMatchObject({ ok: true });
  // What was to be shown did happen.
  expect(crashed.running).toBeGreaterThanOrEqual(ROUNDS);
  expect(crashed.queued).toBeGreaterThanOrEqual(ROUNDS);
  const outcomes = tasks.filter(({ task_id }) => known.tasks.get(task_id)?.outcome).length;
  expect(outcomes).toBeGreaterThanOrEqual(ROUNDS);
});

/** What the killed process left in its database, read from a copy so that nothing is repaired. */
async function statesLeft(gateway: Gateway): Promise<{ running: string[]; queued: string[] }> {
  const copy = mkdtempSync(join(tmpdir(), "bytebot-gateway-left-"));
  try {
    cpSync(gateway.dataDir, copy, { recursive: true });
    await using store = openStore({
      file: join(copy, "gateway.db"),
      seal: createSealer("not used"),
    });
    const ids = (status: "running" | "queued") => store.tasks.listByStatus([status], 1_000_000);
    return { running: await ids("running"), queued: await ids("queued") };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** I9: signatures used before the kill are refused after it. */
async function refuseReplays(gateway: Gateway, known: Acknowledged): Promise<void> {
  for (const { method, target, headers, body } of known.signatures) {
    const answer = await fetch(gateway.url + target, { method, headers, body: body ?? null });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "signature_replayed" });
  }
}

/** The tasks with these ids, each of which must be there. */
async function listTasks(gateway: Gateway, wanted: readonly string[]): Promise<TaskView[]> {
  const missing = new Set(wanted);
  const found: TaskView[] = [];
  for (let cursor = ""; missing.size > 0; ) {
    const target = `/tasks?limit=200${cursor}`;
    const { body } = await call<TaskList>(gateway, "GET", target);
    for (const task of body.tasks) if (missing.delete(task.task_id)) found.push(task);
    if (body.next_cursor === undefined) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  expect([...missing], "acknowledged and lost").toEqual([]);
  return found;
}

/** Every event that a stream showed is there and the same, and ids only grow. */
async function checkEvents(gateway: Gateway, known: Acknowledged, from: number): Promise<void> {
  const credentials = gateway.keys.approver;
  await using reader = await openEvents(gateway, { credentials, query: `since=${from - 1}` });
  const marker = await plan(gateway, "wait", { duration_ms: 1 });
  await reader.until("task_planned", marker.task_id);
  const there = new Map(reader.seen.map((event) => [event.id, event]));
  const ids = reader.seen.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  for (const [id, event] of known.events) {
    if (id >= from) expect(there.get(id)).toEqual(event);
  }
}

async function exportedHead(gateway: Gateway): Promise<AuditList["head"]> {
  const target = "/audit?limit=1";
  return (await call<AuditList>(gateway, "GET", target, undefined, gateway.keys.approver)).body
    .head;
}

function verify(gateway: Gateway, head: AuditList["head"]) {
  return verifyAudit({
    read: () => readAuditRecords(join(gateway.dataDir, "gateway.db")),
    headFile: join(gateway.dataDir, "audit-head.json"),
    auditKey: gateway.auditKey,
    head,
  });
}

/** A task that was confirmed and executed ends; one that still waits for either has no effect. */
function settled(gateway: Gateway, known: Acknowledged, task: TaskView) {
  const told = known.tasks.get(task.task_id);
  const goes = ["queued", "running"].includes(task.status);
  return told !== undefined && goes ? execute(gateway, task.task_id) : task;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Mulberry32: small, and the same choices for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
