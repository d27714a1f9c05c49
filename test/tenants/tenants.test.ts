import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExecuteView, TaskList } from "../../src/contract/requests.ts";
import type { Problem } from "../../src/contract/service.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call, signedFetch } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, execute, plan, run, task } from "../support/flow.ts";
import { type Credentials, type Gateway, startGateway } from "../support/gateway.ts";

/** I13: keys are tenants. Three of them: two that sign and one with a token. */
const NAMES = ["red", "blue", "token"] as const;
type Name = (typeof NAMES)[number];
const SCOPES = ["plan", "execute", "read"];
const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
    wait: { enabled: true },
  },
  security: { max_concurrent_tasks: 1, max_queued_tasks: 20 },
};

let gateway: Gateway;
/** What each of them has: a plan, a plan that waits for an approver, a finished task, an artifact. */
const own = new Map<
  Name,
  { planned: PlanView; waiting: PlanView; done: ExecuteView; marker: string }
>();

beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    clients: [
      { id: "red", scopes: SCOPES },
      { id: "blue", scopes: SCOPES },
      { id: "token", scopes: SCOPES, scheme: "bearer" },
    ],
  });
  for (const name of NAMES) {
    const marker = `belongs-to-${name}`;
    // Over 64 KB, so that it becomes an artifact.
    writeFileSync(gateway.file(`/tmp/${marker}.txt`), marker.repeat(8000));
    const path = `/tmp/${marker}.txt`;
    const planned = await plan(gateway, "fs.read", { path }, keyOf(name));
    const parameters = { path: `/tmp/${marker}-new.txt`, content: marker };
    const waiting = await plan(gateway, "fs.write", parameters, keyOf(name));
    await call(gateway, "POST", "/execute", { task_id: waiting.task_id }, keyOf(name));
    const done = await run(gateway, "fs.read", { path }, keyOf(name));
    expect(done.artifacts).toHaveLength(1);
    own.set(name, { planned, waiting, done, marker });
  }
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

function keyOf(name: Name): Credentials {
  const credentials = gateway.keys[name];
  if (credentials === undefined) throw new Error(`no key ${name}`);
  return credentials;
}

function belongingsOf(name: Name) {
  const belongings = own.get(name);
  if (belongings === undefined) throw new Error(`${name} has nothing`);
  return belongings;
}

const pairs = NAMES.flatMap((me) =>
  NAMES.filter((other) => other !== me).map((other) => ({ me, other })),
);

describe.each(pairs)("I13 $me, and what is $other's", ({ me, other }) => {
  const ask = (method: "GET" | "POST", target: string, body?: unknown) =>
    call<Problem>(gateway, method, target, body, keyOf(me));

  test("is not in its lists", async () => {
    for (const query of ["", "?status=planned", "?status=completed", "?limit=200"]) {
      const { body } = await call<TaskList>(gateway, "GET", `/tasks${query}`, undefined, keyOf(me));
      for (const { requester } of body.tasks) expect(requester).toBe(me);
      expect(JSON.stringify(body)).not.toContain(belongingsOf(other).marker);
    }
  });

  test("is 404, as if it did not exist, for reading, executing, cancelling, following, fetching", async () => {
    const { planned, waiting, done } = belongingsOf(other);
    const snapshot = () =>
      Promise.all(
        [planned, waiting, done].map(({ task_id }) => task(gateway, task_id, keyOf(other))),
      );
    const before = await snapshot();
    const unknown = `task_${"A".repeat(22)}`;
    for (const { task_id } of [planned, waiting, done]) {
      const asked = (id: string) => [
        ask("GET", `/tasks/${id}`),
        ask("POST", "/execute", { task_id: id }),
        ask("POST", "/execute?wait=1", { task_id: id }),
        ask("POST", `/tasks/${id}/cancel`),
        ask("GET", `/events?task_id=${id}`),
        ask("GET", `/events?task_id=${id}&since=0`),
      ];
      const [theirs, nobodys] = [
        await Promise.all(asked(task_id)),
        await Promise.all(asked(unknown)),
      ];
      for (const [index, { status, body }] of theirs.entries()) {
        expect([status, body.code]).toEqual([404, "task_not_found"]);
        const same = { ...body, request_id: "", detail: body.detail.replace(task_id, unknown) };
        expect(same).toEqual({ ...nobodys[index]?.body, request_id: "" });
      }
    }
    const [artifact] = done.artifacts ?? [];
    const fetched = await ask("GET", new URL(artifact?.url ?? "", gateway.url).pathname);
    expect([fetched.status, fetched.body.code]).toEqual([404, "artifact_not_found"]);
    const head = `/artifacts/${artifact?.id}`;
    expect((await signedFetch(gateway, "HEAD", head, undefined, keyOf(me))).status).toBe(404);
    expect(await snapshot()).toEqual(before);
  });

  test("does not come through its Idempotency-Key", async () => {
    const headers = { "idempotency-key": `shared-${[me, other].toSorted().join("-")}` };
    const body = { action: "wait", parameters: { duration_ms: 1 } };
    const mine = await call<PlanView>(gateway, "POST", "/plan", body, keyOf(me), headers);
    const theirs = await call<PlanView>(gateway, "POST", "/plan", body, keyOf(other), headers);
    expect([mine.status, theirs.status]).toEqual([200, 200]);
    expect(theirs.body.task_id).not.toBe(mine.body.task_id);
    const again = await call<PlanView>(gateway, "POST", "/plan", body, keyOf(me), headers);
    expect(again.body.task_id).toBe(mine.body.task_id);
  });

  test("is not in its stream", async () => {
    await using events = await openEvents(gateway, { query: "since=0", credentials: keyOf(me) });
    const theirs = await plan(gateway, "wait", { duration_ms: 1 }, keyOf(other));
    const mine = await plan(gateway, "wait", { duration_ms: 1 }, keyOf(me));
    await events.until("task_planned", mine.task_id);
    const ids = events.seen.map(({ task_id }) => task_id);
    expect(ids).toContain(belongingsOf(me).done.task_id);
    expect(ids).not.toContain(theirs.task_id);
    expect(ids).not.toContain(belongingsOf(other).done.task_id);
    expect(JSON.stringify(events.seen)).not.toContain(belongingsOf(other).marker);
  });
});

describe("I13", () => {
  test("one key's name with another's secret is nobody", async () => {
    const { secret } = keyOf("blue");
    const forged = { keyId: "red", ...(secret && { secret }) };
    const { status, body } = await call<Problem>(gateway, "GET", "/tasks", undefined, forged);
    expect([status, body.code]).toEqual([401, "signature_invalid"]);
    const { token } = keyOf("token");
    const misused = { keyId: "token", ...(token && { secret: token }) };
    const signed = await call<Problem>(gateway, "GET", "/tasks", undefined, misused);
    expect([signed.status, signed.body.code]).toEqual([401, "signature_invalid"]);
  });

  test("a flood of one key does not starve another: turns go round", async () => {
    await using events = await openEvents(gateway, { credentials: gateway.keys.approver });
    const start = async (name: Name, duration_ms: number) => {
      const { task_id } = await plan(gateway, "wait", { duration_ms }, keyOf(name));
      const answer = await call<Problem>(gateway, "POST", "/execute", { task_id }, keyOf(name));
      return { task_id, status: answer.status, code: answer.body.code };
    };
    // One runs, and holds the only place until everything stands in line.
    const first = await start("red", 60_000);
    const flood = [];
    for (let count = 0; count < 21; count += 1) flood.push(await start("red", 1));
    expect(flood.at(-1)).toMatchObject({ status: 429, code: "queue_full" });
    const queued = flood.slice(0, 20).map(({ task_id }) => task_id);
    const others = [await start("blue", 1), await start("token", 1), await start("blue", 1)];
    for (const { status } of others) expect(status).toBe(202);
    await call(gateway, "POST", `/tasks/${first.task_id}/cancel`, {}, keyOf("red"));
    const ids = new Set([...queued, ...others.map(({ task_id }) => task_id)]);
    const ended: string[] = [];
    while (ended.length < ids.size) {
      const { task_id } = await events.until("task_completed");
      if (task_id !== null && ids.has(task_id)) ended.push(task_id);
    }
    // At most one of red's before each of the first turns of the others, two before blue's second.
    for (const [index, { task_id }] of others.entries()) {
      const before = ended.slice(0, ended.indexOf(task_id));
      const reds = before.filter((id) => queued.includes(id)).length;
      expect(reds).toBeLessThanOrEqual(index < 2 ? 1 : 2);
    }
  });

  test("requests over one key's rate are that key's alone", async () => {
    await using limited = await startGateway({
      policy: { ...POLICY, security: { rate_limit_per_minute: 30 } },
      clients: [{ id: "red", scopes: ["read"] }],
    });
    let refused = 0;
    for (let count = 0; count < 60 && refused === 0; count += 1) {
      const { status } = await call(limited, "GET", "/tasks", undefined, limited.keys.red);
      if (status === 429) refused += 1;
    }
    expect(refused).toBe(1);
    expect((await call(limited, "GET", "/tasks")).status).toBe(200);
  });

  test("an approver sees all, and who asked", async () => {
    const { body } = await call<TaskList>(
      gateway,
      "GET",
      "/tasks?limit=200",
      undefined,
      gateway.keys.approver,
    );
    expect(new Set(body.tasks.map(({ requester }) => requester))).toEqual(new Set(NAMES));
  });
});

describe.each(NAMES)("I4, I11 %s", (name) => {
  /** Ways to ask for what only an approver may. */
  const attempts = ({ task_id, plan_digest }: PlanView): [string, string, unknown][] => [
    ["POST", "/confirm", { task_id, plan_digest, decision: "approve" }],
    ["POST", "/confirm", { task_id, plan_digest, decision: "reject" }],
    [
      "POST",
      "/confirm",
      {
        task_id,
        plan_digest,
        decision: "approve",
        on_behalf_of: "approver",
        reason: "scope confirm",
      },
    ],
    ["POST", "/stop", {}],
    ["POST", "/stop", undefined],
    ["POST", "/resume", {}],
    ["GET", "/audit", undefined],
    ["GET", `/audit?task_id=${task_id}`, undefined],
    ["HEAD", "/audit", undefined],
  ];

  test("confirms, stops, resumes and audits nothing, whatever it asks", async () => {
    const { waiting } = belongingsOf(name);
    for (const [method, target, body] of attempts(waiting)) {
      const answer = await signedFetch(gateway, method, target, body, keyOf(name));
      expect(answer.status, `${method} ${target}`).toBe(403);
      const text = await answer.text();
      if (method !== "HEAD") expect(JSON.parse(text).code).toBe("scope_missing");
    }
    const ready: unknown = await (await fetch(`${gateway.url}/ready`)).json();
    expect(ready).toMatchObject({ parts: { stopped: { ok: true } } });
    expect(await task(gateway, waiting.task_id, keyOf(name))).toMatchObject({
      status: "awaiting_confirmation",
      approvals: [],
    });
  });

  test("gains nothing by headers, query, method overrides or other spellings", async () => {
    const { task_id, plan_digest } = belongingsOf(name).waiting;
    const body = { task_id, plan_digest, decision: "approve" };
    const tricks: Record<string, string>[] = [
      {
        "x-http-method-override": "POST",
        "x-original-url": "/confirm",
        "x-rewrite-url": "/confirm",
      },
      { "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "localhost" },
      { "x-scopes": "confirm", "x-user": "approver", cookie: "session=approver" },
    ];
    for (const headers of tricks) {
      const answer = await signedFetch(gateway, "POST", "/confirm", body, keyOf(name), headers);
      expect(answer.status).toBe(403);
    }
    for (const target of ["/confirm/", "//confirm", "/CONFIRM", "/%63onfirm", "/plan/../confirm"]) {
      // `fetch` resolves the dots itself, which is the same attempt.
      const answer = await signedFetch(gateway, "POST", target, body, keyOf(name));
      expect([401, 403, 404], target).toContain(answer.status);
    }
    const approving = await signedFetch(
      gateway,
      "POST",
      "/confirm?scope=confirm",
      body,
      keyOf(name),
    );
    expect([400, 403]).toContain(approving.status);
    const unsigned = await signedFetch(gateway, "POST", "/confirm", body, {});
    expect(unsigned.status).toBe(401);
    expect((await task(gateway, task_id, keyOf(name))).approvals).toEqual([]);
  });

  test("executes only once an approver has approved", async () => {
    const { task_id, plan_digest, parameters } = belongingsOf(name).waiting;
    const asked = await call<ExecuteView>(gateway, "POST", "/execute", { task_id }, keyOf(name));
    expect([asked.status, asked.body.status]).toEqual([202, "awaiting_confirmation"]);
    await approve(gateway, { task_id, plan_digest });
    expect((await execute(gateway, task_id, keyOf(name))).status).toBe("completed");
    const finished: TaskView = await task(gateway, task_id, keyOf(name));
    expect(finished.approvals.map(({ key_id }) => key_id)).toEqual(["approver"]);
    expect(finished.result).toMatchObject({ path: parameters.path });
  });
});

test("I4 an approver's key plans and executes nothing", async () => {
  const { approver } = gateway.keys;
  const { planned } = belongingsOf("red");
  const body = { action: "wait", parameters: { duration_ms: 1 } };
  const plans = await call<Problem>(gateway, "POST", "/plan", body, approver);
  const { task_id } = planned;
  const executes = await call<Problem>(gateway, "POST", "/execute", { task_id }, approver);
  for (const answer of [plans, executes]) {
    expect([answer.status, answer.body.code]).toEqual([403, "scope_missing"]);
  }
  expect((await task(gateway, task_id, keyOf("red"))).status).toBe("planned");
});
