import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import type { TaskList } from "../../src/contract/requests.ts";
import type { PlanView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { plan, reject, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { max_concurrent_tasks: 2, max_pending_mb: 1024 },
};

function list(gateway: Gateway, query: string) {
  return call<TaskList>(gateway, "GET", `/tasks?${query}`);
}

test("I13 max_concurrent_tasks holds though every task is executed several times at once", async () => {
  await using gateway = await startGateway({ policy: POLICY });
  await using events = await openEvents(gateway);
  for (let n = 0; n < 6; n++) {
    const { task_id } = await plan(gateway, "wait", { duration_ms: 60_000 });
    const execute = () => call(gateway, "POST", "/execute", { task_id });
    const answers = await Promise.all([execute(), execute(), execute()]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  }
  expect((await list(gateway, "status=running")).body.tasks).toHaveLength(2);
  const { tasks } = (await list(gateway, "status=queued")).body;
  expect(tasks).toHaveLength(4);
  const started = events.seen.filter(({ event }) => event === "task_started");
  expect(new Set(started.map(({ task_id }) => task_id)).size).toBe(started.length);
});

/** ms: 24 plans of 8 MB each are made and read back, half a minute on an idle machine. */
const HUGE_TIMEOUT = 240_000;

test(
  "I10 a list of huge plans comes in pages that fit the memory, and misses none",
  async () => {
    await using gateway = await startGateway({
      policy: POLICY,
      env: { NODE_OPTIONS: "--max-old-space-size=256" },
    });
    const content = "x".repeat(8 * 1024 * 1024);
    const planned: string[] = [];
    for (let n = 0; n < 24; n++) {
      planned.unshift((await plan(gateway, "fs.write", { path: `/tmp/${n}`, content })).task_id);
    }
    const listed: string[] = [];
    let cursor = "";
    do {
      const { body } = await list(gateway, `limit=200${cursor}`);
      listed.push(...body.tasks.map(({ task_id }) => task_id));
      cursor = body.next_cursor === undefined ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    expect(listed).toEqual(planned);
  },
  HUGE_TIMEOUT,
);

describe("plans that a key never executes", () => {
  const LIMITED = {
    capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } },
    security: { max_pending_mb: 1 },
  };
  const content = "x".repeat(300_000);
  const write = (n: number) => ({
    action: "fs.write",
    parameters: { path: `/tmp/pending-${n}.txt`, content },
  });
  const tryPlan = (gateway: Gateway, n: number, of = gateway.keys.default) =>
    call<PlanView & { code?: string; detail?: string; hint?: string }>(
      gateway,
      "POST",
      "/plan",
      write(n),
      of,
    );

  test("I10 I13 take no more of the disk than its key may have, also after a restart", async () => {
    await using gateway = await startGateway({
      policy: LIMITED,
      clients: [{ id: "other", scopes: ["plan", "execute", "read"] }],
    });
    const planned: string[] = [];
    for (
      let answer = await tryPlan(gateway, 0);
      ;
      answer = await tryPlan(gateway, planned.length)
    ) {
      if (answer.status === 429) {
        expect(answer.body.code).toBe("queue_full");
        expect(answer.body.detail).toMatch(/key default .*max_pending_mb.*1 MiB/);
        expect(answer.body.hint).toMatch(/cancel/);
        expect(answer.headers.get("retry-after")).not.toBeNull();
        break;
      }
      expect(answer.status).toBe(200);
      planned.push(answer.body.task_id);
    }
    expect(planned.length).toBeGreaterThan(1);
    expect(planned.length).toBeLessThan(4);
    expect((await tryPlan(gateway, 50, gateway.keys.other)).status).toBe(200);
    // At once, they cannot slip by either.
    await call(gateway, "POST", `/tasks/${planned[0]}/cancel`, {});
    const many = await Promise.all(Array.from({ length: 8 }, (_, n) => tryPlan(gateway, 60 + n)));
    expect(many.filter(({ status }) => status === 200)).toHaveLength(1);
    await gateway.restart();
    expect((await tryPlan(gateway, 70)).status).toBe(429);
    await call(gateway, "POST", `/tasks/${planned[1]}/cancel`, {});
    expect((await tryPlan(gateway, 71)).status).toBe(200);
  });

  test("lose their bodies when they end, and are still told of", async () => {
    await using gateway = await startGateway({ policy: LIMITED });
    await using events = await openEvents(gateway);
    const rejected = await plan(gateway, "fs.write", write(1).parameters);
    await reject(gateway, rejected);
    const small = await plan(gateway, "fs.write", { path: "/tmp/small.txt", content: "small" });
    await reject(gateway, small);
    gateway.writePolicy({ ...LIMITED, security: { max_pending_mb: 1, plan_ttl_s: 1 } });
    await events.until("policy_reloaded");
    const expired = await plan(gateway, "fs.write", write(2).parameters);
    await events.until("task_expired", expired.task_id);
    for (const { task_id, plan_digest } of [rejected, expired]) {
      expect(bodyOf(gateway, task_id)).toBe("");
      const shown = await task(gateway, task_id);
      expect(shown).toMatchObject({ action: "fs.write", plan_digest, error: null });
      expect(shown.parameters).toMatchObject({ content: { length: content.length } });
    }
    expect(bodyOf(gateway, small.task_id)).not.toBe("");
    const execute = (task_id: string) => call(gateway, "POST", "/execute", { task_id });
    expect(await execute(rejected.task_id)).toMatchObject({ body: { code: "task_rejected" } });
    expect(await execute(expired.task_id)).toMatchObject({ body: { code: "plan_expired" } });
    await gateway.restart();
    expect((await task(gateway, expired.task_id)).status).toBe("expired");
    expect((await list(gateway, "limit=10")).body.tasks).toHaveLength(3);
  });
});

function bodyOf(gateway: Gateway, taskId: string): string {
  using db = new DatabaseSync(join(gateway.dataDir, "gateway.db"), { readOnly: true });
  const sql = "SELECT plan FROM plans JOIN tasks ON tasks.seq = plans.seq WHERE id = ?";
  return String(db.prepare(sql).get(taskId)?.plan);
}
