import { createHash } from "node:crypto";
import { readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList, AuditRecord } from "../../src/contract/audit.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { execute, plan, planRequest, reject, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const MARK = "the-content-that-must-not-stand-in-the-log";
const LONG = `${MARK} `.repeat(200);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("the audit log", () => {
  test("I6 I17 the whole life of a task: who, what, when, by digest", async () => {
    const content = `${MARK} one`;
    const planned = await plan(gateway, "fs.write", { path: "/tmp/life.txt", content });
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    const { task_id, plan_digest } = planned;
    const confirmation = { task_id, plan_digest, decision: "approve", on_behalf_of: "Ada" };
    await call(gateway, "POST", "/confirm", confirmation, gateway.keys.approver);
    expect((await execute(gateway, task_id)).status).toBe("completed");

    const records = await recordsOf(task_id);
    expect(records.map(({ type, key_id }) => [type, key_id])).toEqual([
      ["task.planned", "default"],
      ["task.awaiting_confirmation", "default"],
      ["task.confirmed", "approver"],
      ["task.started", null],
      ["step.started", null],
      ["step.finished", null],
      ["task.completed", null],
    ]);
    const [first, , confirmed, started, step, finished] = records;
    const digest = { sha256: sha256(content), length: content.length };
    const parameters = expect.objectContaining({ path: "/tmp/life.txt", content: digest });
    expect(first?.details).toMatchObject({
      plan_digest,
      mode: "approver",
      risk: "medium",
      steps: [{ action: "fs.write", parameters }],
    });
    expect(confirmed?.details).toMatchObject({ plan_digest, on_behalf_of: "Ada", approvals: 1 });
    expect(started?.details).toMatchObject({
      plan_digest,
      approvals: [{ key_id: "approver", on_behalf_of: "Ada" }],
    });
    expect(step?.details).toMatchObject({ step: 0, action: "fs.write", parameters });
    expect(finished?.details).toMatchObject({
      outcome: "completed",
      result_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    const times = records.map(({ time }) => Date.parse(time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("rejections, cancellations, failures, stop and resume", async () => {
    const rejected = await plan(gateway, "fs.write", { path: "/tmp/no.txt", content: "x" });
    await reject(gateway, rejected);
    const cancelled = await plan(gateway, "wait", { duration_ms: 60_000 });
    await call(gateway, "POST", "/execute", { task_id: cancelled.task_id });
    await call(gateway, "POST", `/tasks/${cancelled.task_id}/cancel`);
    const failed = await run(gateway, "fs.read", { path: "/tmp/not-there.txt" });
    const ends = await Promise.all([rejected, cancelled, failed].map((each) => endOf(each)));
    expect(ends).toEqual([
      ["task.rejected", "approver"],
      ["task.cancelled", "default"],
      ["task.failed", null],
    ]);
    const failure = (await recordsOf(failed.task_id)).find(({ type }) => type === "step.finished");
    expect(failure?.details).toMatchObject({ outcome: "file_not_found" });
    const { approver } = gateway.keys;
    await call(gateway, "POST", "/stop", { reason: "drill" }, approver);
    await call(gateway, "POST", "/resume", undefined, approver);
    const types = (await allRecords()).map(({ type, key_id }) => [type, key_id]);
    expect(types).toEqual(
      expect.arrayContaining([
        ["gateway.started", null],
        ["gateway.stopped", "approver"],
        ["gateway.resumed", "approver"],
      ]),
    );
  });

  test("I6 the intent is on record when the effect first shows", async () => {
    using database = new DatabaseSync(join(gateway.dataDir, "gateway.db"), { readOnly: true });
    const intents = database.prepare(
      "SELECT count(*) AS n FROM audit WHERE body LIKE '%\"step.started\"%' AND body LIKE ?",
    );
    // Looked up in the same turn in which the file system tells of the file, in another process.
    const seen = new Map<string, SQLOutputValue | undefined>();
    const watcher = watch(gateway.file("/tmp"), (_event, name) => {
      if (name?.startsWith("effect-") && !seen.has(name)) {
        seen.set(name, intents.get(`%/tmp/${name}"%`)?.n);
      }
    });
    const names = Array.from({ length: 20 }, (_, index) => `effect-${index}.txt`);
    for (const name of names) {
      await run(gateway, "fs.write", { path: `/tmp/${name}`, content: "x" });
    }
    // Whatever the watcher has to tell of them comes before what it tells of this one.
    const last = Promise.withResolvers<void>();
    watcher.on("change", (_event, name) => {
      if (name === "last") last.resolve();
    });
    writeFileSync(gateway.file("/tmp/last"), "");
    await last.promise;
    watcher.close();
    expect(seen).toEqual(new Map(names.map((name) => [name, 1])));
  });

  test("I6 of several steps each is on record before it starts, and not sooner", async () => {
    const wait = { action: "wait", parameters: { duration_ms: 60_000 } };
    const steps = [{ action: "wait", parameters: { duration_ms: 1 } }, wait, wait];
    const planned = await planRequest(gateway, { steps });
    await using events = await openEvents(gateway);
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await events.until("task_progress", planned.task_id);
    expect((await recordsOf(planned.task_id)).map(({ type }) => type)).toEqual([
      "task.planned",
      "task.started",
      "step.started",
      "step.finished",
      "step.started",
    ]);
    await call(gateway, "POST", `/tasks/${planned.task_id}/cancel`);
  });

  test("I7 no content stands in the log, whether short, long, read or replaced", async () => {
    const path = "/tmp/secret.txt";
    await run(gateway, "fs.write", { path, content: LONG });
    await run(gateway, "fs.read", { path });
    await run(gateway, "fs.edit", {
      path: "/tmp/life.txt",
      old_text: `${MARK} one`,
      new_text: `${MARK} two`,
    });
    const base64 = Buffer.from(MARK).toString("base64");
    await run(gateway, "fs.write", { path: "/tmp/b.txt", content: base64, encoding: "base64" });
    expect(readFileSync(gateway.file("/tmp/life.txt"), "utf8")).toBe(`${MARK} two`);
    using database = new DatabaseSync(join(gateway.dataDir, "gateway.db"), { readOnly: true });
    const bodies = database.prepare("SELECT body FROM audit").all();
    expect(bodies.length).toBeGreaterThan(20);
    const text = JSON.stringify(bodies);
    expect(text).toContain(sha256(LONG));
    expect(text).not.toContain(MARK);
    expect(text).not.toContain(base64);
    const log = gateway.output;
    expect(log).not.toContain(MARK);
    expect(log).not.toContain(base64);
  });
});

function page(after: number, query = "") {
  const { approver } = gateway.keys;
  const target = `/audit?after=${after}&limit=1000${query}`;
  return call<AuditList>(gateway, "GET", target, undefined, approver);
}

async function recordsOf(taskId: string): Promise<AuditRecord[]> {
  return (await page(0, `&task_id=${taskId}`)).body.records;
}

async function allRecords(): Promise<AuditRecord[]> {
  return (await page(0)).body.records;
}

async function endOf({ task_id }: { task_id: string }): Promise<unknown> {
  const last = (await recordsOf(task_id)).at(-1);
  return [last?.type, last?.key_id];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
