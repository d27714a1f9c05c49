import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { ExecuteView, StopView, TaskList } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, execute, plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../support/gateway.ts";

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };

function policyWith(security: object, capabilities: object = {}) {
  return {
    capabilities: {
      "fs.read": { ...PATHS, risk_level: "low" },
      "fs.write": { ...PATHS, risk_level: "medium", confirmation: "client" },
      wait: { enabled: true, risk_level: "low" },
      ...capabilities,
    },
    security,
  };
}

let gateway: Gateway;

async function start(security: object = {}, options: GatewayOptions = {}): Promise<Gateway> {
  gateway = await startGateway({ policy: policyWith(security), ...options });
  return gateway;
}

afterEach(() => gateway[Symbol.asyncDispose]());

/** Starts a wait and resolves once it runs. */
async function startWait(duration_ms = 60_000): Promise<string> {
  const { task_id } = await plan(gateway, "wait", { duration_ms });
  await using events = await openEvents(gateway, { query: `task_id=${task_id}&since=0` });
  await call(gateway, "POST", "/execute", { task_id });
  await events.until("task_started");
  return task_id;
}

function cancel(taskId: string, credentials = gateway.keys.default) {
  return call<TaskView>(gateway, "POST", `/tasks/${taskId}/cancel`, {}, credentials);
}

function code(answer: { status: number; body: unknown }): [number, string] {
  return [answer.status, (answer.body as { code: string }).code];
}

describe("the end of a task", () => {
  it("comes with cancel, while it runs", async () => {
    await start();
    const id = await startWait();
    expect((await cancel(id)).body).toMatchObject({
      status: "cancelled",
      error: { code: "task_cancelled" },
    });
    expect(code(await call(gateway, "POST", "/execute", { task_id: id }))).toEqual([
      409,
      "task_cancelled",
    ]);
  });

  it("comes with cancel before it runs, by an approver too", async () => {
    await start();
    const planned = await plan(gateway, "wait", { duration_ms: 1 });
    const { body } = await cancel(planned.task_id, gateway.keys.approver);
    expect(body.status).toBe("cancelled");
    expect(body.error?.hint).toBe("It had not started: nothing of it ran.");
    expect(body.error).not.toHaveProperty("step");
    expect(code(await call(gateway, "POST", "/execute", { task_id: planned.task_id }))).toEqual([
      409,
      "task_cancelled",
    ]);
    expect(
      code(
        await call(
          gateway,
          "POST",
          "/confirm",
          { task_id: planned.task_id, plan_digest: planned.plan_digest, decision: "approve" },
          gateway.keys.approver,
        ),
      ),
    ).toEqual([409, "already_decided"]);
  });

  it("leaves a finished task as it is when it is cancelled late", async () => {
    await start();
    const planned = await plan(gateway, "wait", { duration_ms: 1 });
    await execute(gateway, planned.task_id);
    expect((await cancel(planned.task_id)).body.status).toBe("completed");
  });

  it("I16 comes with the end of the plan's time", async () => {
    await start({ plan_ttl_s: 1 });
    const planned = await plan(gateway, "wait", { duration_ms: 1 });
    await using events = await openEvents(gateway, { query: `task_id=${planned.task_id}&since=0` });
    await events.until("task_expired");
    expect(code(await call(gateway, "POST", "/execute", { task_id: planned.task_id }))).toEqual([
      410,
      "plan_expired",
    ]);
    expect(
      code(
        await call(
          gateway,
          "POST",
          "/confirm",
          { task_id: planned.task_id, plan_digest: planned.plan_digest, decision: "approve" },
          gateway.keys.approver,
        ),
      ),
    ).toEqual([410, "plan_expired"]);
  });

  it("comes with max_task_duration_s, as a failure", async () => {
    await start({ max_task_duration_s: 1 });
    const planned = await plan(gateway, "wait", { duration_ms: 60_000 });
    const done = await execute(gateway, planned.task_id);
    expect([done.status, done.error?.code]).toEqual(["failed", "timeout"]);
  });

  it("waits no longer than asked, and says 202", async () => {
    await start();
    const planned = await plan(gateway, "wait", { duration_ms: 60_000 });
    const answer = await call<ExecuteView>(gateway, "POST", "/execute?wait=0.2", {
      task_id: planned.task_id,
    });
    expect([answer.status, answer.body.status]).toEqual([202, "running"]);
  });
});

describe("stop and resume", () => {
  it("stop everything now, across a restart, until resumed", async () => {
    await start({ max_concurrent_tasks: 1 });
    const running = await startWait();
    const queued = await plan(gateway, "wait", { duration_ms: 60_000 });
    await call(gateway, "POST", "/execute", { task_id: queued.task_id });
    const untouched = await plan(gateway, "wait", { duration_ms: 1 });

    const stopped = await call<StopView>(
      gateway,
      "POST",
      "/stop",
      { reason: "drill" },
      gateway.keys.approver,
    );
    expect(stopped).toMatchObject({ status: 200, body: { stopped: true, cancelled: 2 } });
    for (const id of [running, queued.task_id]) {
      expect((await task(gateway, id)).status).toBe("cancelled");
    }
    const refused = async () => {
      expect(
        code(
          await call(gateway, "POST", "/plan", { action: "wait", parameters: { duration_ms: 1 } }),
        ),
      ).toEqual([503, "stopped"]);
      expect(code(await call(gateway, "POST", "/execute", { task_id: untouched.task_id }))).toEqual(
        [503, "stopped"],
      );
      const ready = await fetch(`${gateway.url}/ready`);
      expect([ready.status, await ready.json()]).toMatchObject([
        503,
        { parts: { stopped: { ok: false } } },
      ]);
    };
    await refused();
    await gateway.restart();
    await refused();
    expect((await call(gateway, "POST", "/resume", {}, gateway.keys.approver)).body).toEqual({
      stopped: false,
    });
    expect((await execute(gateway, untouched.task_id)).status).toBe("completed");
  });
});

describe("turns", () => {
  it("queue beyond max_concurrent_tasks, and refuse beyond max_queued_tasks of a key", async () => {
    await start({ max_concurrent_tasks: 1, max_queued_tasks: 1 });
    const first = await startWait();
    const [second, third] = [
      await plan(gateway, "wait", { duration_ms: 1 }),
      await plan(gateway, "wait", { duration_ms: 1 }),
    ];
    const queued = await call<ExecuteView>(gateway, "POST", "/execute", {
      task_id: second.task_id,
    });
    expect([queued.status, queued.body.status, queued.body.message]).toEqual([
      202,
      "running",
      "Task execution started",
    ]);
    expect((await task(gateway, second.task_id)).status).toBe("queued");
    const full = await call(gateway, "POST", "/execute", { task_id: third.task_id });
    expect(code(full)).toEqual([429, "queue_full"]);
    expect(full.headers.get("retry-after")).toBe("1");
    await cancel(first);
    expect((await execute(gateway, second.task_id)).status).toBe("completed");
    expect((await execute(gateway, third.task_id)).status).toBe("completed");
  });

  it("I13 go round between keys", async () => {
    await start({ max_concurrent_tasks: 1 });
    const blocker = await startWait();
    const greedy: PlanView[] = [];
    for (let n = 0; n < 5; n += 1) greedy.push(await plan(gateway, "wait", { duration_ms: 1 }));
    const modest = await plan(gateway, "wait", { duration_ms: 1 }, gateway.keys.api);
    for (const { task_id } of greedy) await call(gateway, "POST", "/execute", { task_id });
    await call(gateway, "POST", "/execute", { task_id: modest.task_id }, gateway.keys.api);
    await using events = await openEvents(gateway, { credentials: gateway.keys.approver });
    await cancel(blocker);
    const order: (string | null)[] = [];
    while (order.length < 6) order.push((await events.until("task_started")).task_id);
    expect(order.indexOf(modest.task_id)).toBeLessThanOrEqual(1);
    expect(order.filter((id) => id !== modest.task_id)).toEqual(
      greedy.map(({ task_id }) => task_id),
    );
  });

  it("keep two tasks off one path", async () => {
    await start();
    const path = "/tmp/lines.txt";
    const plans = [];
    for (let n = 0; n < 20; n += 1) {
      plans.push(await plan(gateway, "fs.read", { path: "/tmp" }).catch(() => undefined));
    }
    expect(plans).toHaveLength(20);
    const writes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        planRequest(gateway, {
          steps: [
            {
              action: "fs.write",
              parameters: { path: `${path}.${n % 2}`, content: `${n}`, mode: "overwrite" },
            },
          ],
        }),
      ),
    );
    const done = await Promise.all(writes.map(({ task_id }) => execute(gateway, task_id)));
    // Planned on an absent file, so that only the first on each path may find it so.
    expect(done.filter(({ status }) => status === "completed")).toHaveLength(2);
    expect(done.filter(({ error }) => error?.code === "state_changed")).toHaveLength(8);
  });
});

describe("Idempotency-Key", () => {
  it("gives the same plan for the same body, across a restart", async () => {
    await start();
    const body = { action: "wait", parameters: { duration_ms: 5 } };
    const headers = { "idempotency-key": "order-1" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        call<PlanView>(gateway, "POST", "/plan", body, gateway.keys.default, headers),
      ),
    );
    expect(new Set(answers.map((answer) => answer.body.task_id)).size).toBe(1);
    await gateway.restart();
    const again = await call<PlanView>(
      gateway,
      "POST",
      "/plan",
      body,
      gateway.keys.default,
      headers,
    );
    expect(again.body.task_id).toBe(answers[0]?.body.task_id);
    expect((await call<TaskList>(gateway, "GET", "/tasks")).body.tasks).toHaveLength(1);
  });

  it("refuses another body and keeps keys apart", async () => {
    await start();
    const headers = { "idempotency-key": "order-1" };
    const body = (duration_ms: number) => ({ action: "wait", parameters: { duration_ms } });
    const first = await call<PlanView>(
      gateway,
      "POST",
      "/plan",
      body(1),
      gateway.keys.default,
      headers,
    );
    expect(
      code(await call(gateway, "POST", "/plan", body(2), gateway.keys.default, headers)),
    ).toEqual([409, "plan_mismatch"]);
    const other = await call<PlanView>(
      gateway,
      "POST",
      "/plan",
      body(2),
      gateway.keys.api,
      headers,
    );
    expect(other.status).toBe(200);
    expect(other.body.task_id).not.toBe(first.body.task_id);
  });
});

describe("the present policy", () => {
  it("I1 is asked again at execution", async () => {
    await start();
    const planned = await plan(gateway, "fs.write", { path: "/tmp/a.txt", content: "x" });
    gateway.writePolicy(policyWith({}, { "fs.write": { ...PATHS, enabled: false } }));
    await gateway.logged(({ msg }) => msg === "policy reloaded");
    expect(code(await call(gateway, "POST", "/execute", { task_id: planned.task_id }))).toEqual([
      403,
      "capability_disabled",
    ]);
    expect(existsSync(gateway.file("/tmp/a.txt"))).toBe(false);
  });

  it("I16 voids a plan where it has become stricter", async () => {
    await start();
    const planned = await plan(gateway, "fs.write", { path: "/tmp/a.txt", content: "x" });
    gateway.writePolicy(
      policyWith({}, { "fs.write": { ...PATHS, risk_level: "medium", confirmation: "approver" } }),
    );
    await gateway.logged(({ msg }) => msg === "policy reloaded");
    expect(code(await call(gateway, "POST", "/execute", { task_id: planned.task_id }))).toEqual([
      409,
      "state_changed",
    ]);
  });

  it("I16 is asked before each step, not only the first", async () => {
    await start();
    const planned = await planRequest(gateway, {
      steps: [
        { action: "wait", parameters: { duration_ms: 1500 } },
        { action: "fs.write", parameters: { path: "/tmp/late.txt", content: "x" } },
      ],
    });
    await using events = await openEvents(gateway, { query: `task_id=${planned.task_id}&since=0` });
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await events.until("task_started");
    gateway.writePolicy(policyWith({}, { "fs.write": { ...PATHS, enabled: false } }));
    const failed = await events.until("task_failed");
    expect(failed.error).toMatchObject({ code: "capability_disabled", step: 1 });
    expect(existsSync(gateway.file("/tmp/late.txt"))).toBe(false);
  });

  it("stays as it was when a bad file replaces it, and /ready says why", async () => {
    await start();
    gateway.writePolicy('{"capabilities": {"fs.raed": {"enabled": true}}}');
    await gateway.logged(({ msg }) => msg.startsWith("policy file refused"));
    const ready = await fetch(`${gateway.url}/ready`);
    expect(await ready.json()).toMatchObject({ parts: { policy: { ok: false } } });
    expect((await plan(gateway, "fs.read", { path: "/tmp/x" })).status).toBe("planned");
  });
});

describe("restarts", () => {
  it("I5 mark what ran as interrupted and run what was queued", async () => {
    await start({ max_concurrent_tasks: 1 });
    const running = await startWait();
    const queued = await plan(gateway, "fs.write", { path: "/tmp/q.txt", content: "q" });
    await call(gateway, "POST", "/execute", { task_id: queued.task_id });
    await gateway.kill();
    expect(existsSync(gateway.file("/tmp/q.txt"))).toBe(false);
    await gateway.start();
    const done = await execute(gateway, queued.task_id);
    expect(done.status).toBe("completed");
    expect(readFileSync(gateway.file("/tmp/q.txt"), "utf8")).toBe("q");
    expect(await task(gateway, running)).toMatchObject({
      status: "interrupted",
      error: { code: "outcome_unknown" },
    });
    const again = await call<ExecuteView>(gateway, "POST", "/execute?wait=5", { task_id: running });
    expect([again.status, again.body.status]).toEqual([200, "interrupted"]);
  });

  it("end gracefully: a short task finishes, a long one is marked, streams close", async () => {
    await start();
    const short = await plan(gateway, "wait", { duration_ms: 1000 });
    await using events = await openEvents(gateway, { query: "since=0" });
    await call(gateway, "POST", "/execute", { task_id: short.task_id });
    await events.until("task_started", short.task_id);
    const long = await startWait();
    const exit = await gateway.stop();
    expect(exit).toEqual({ code: 0, signal: null });
    await events.ended();
    await gateway.start();
    expect((await task(gateway, short.task_id)).status).toBe("completed");
    expect((await task(gateway, long)).status).toBe("interrupted");
  });
});

describe("lists", () => {
  it("page through tasks, newest first, by status", async () => {
    await start();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1)
      ids.push((await plan(gateway, "wait", { duration_ms: 1 })).task_id);
    await approve(gateway, await task(gateway, ids[0] ?? "")).catch(() => undefined);
    const first = await call<TaskList>(gateway, "GET", "/tasks?limit=3");
    const second = await call<TaskList>(
      gateway,
      "GET",
      `/tasks?limit=3&cursor=${first.body.next_cursor}`,
    );
    const seen = [...first.body.tasks, ...second.body.tasks].map(({ task_id }) => task_id);
    expect(seen).toEqual(ids.toReversed());
    expect(second.body.next_cursor).toBeUndefined();
    await execute(gateway, ids[1] ?? "");
    const completed = await call<TaskList>(gateway, "GET", "/tasks?status=completed");
    expect(completed.body.tasks.map(({ task_id }) => task_id)).toEqual([ids[1]]);
  });
});
