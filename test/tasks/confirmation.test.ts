import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExecuteView } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, execute, plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
const POLICY = {
  capabilities: {
    "fs.read": { ...PATHS, risk_level: "low" },
    "fs.list": { ...PATHS, risk_level: "low", confirmation: "none" },
    "fs.write": { ...PATHS, risk_level: "medium" },
    "fs.edit": { ...PATHS, risk_level: "medium" },
    wait: { enabled: true, risk_level: "low" },
  },
  confirmation: { approvals: { high: 2 } },
};

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    clients: [{ id: "second", scopes: ["confirm", "read"] }],
  });
});

afterAll(() => gateway[Symbol.asyncDispose]());

/** A path nothing stands at. */
function freshPath(): string {
  return `/tmp/${randomBytes(6).toString("hex")}.txt`;
}

function confirm(body: object, credentials = gateway.keys.approver) {
  return call<TaskView & { code: string }>(gateway, "POST", "/confirm", body, credentials);
}

describe("confirmation", () => {
  it("mode none runs on execute and says that it needs no confirmation", async () => {
    const planned = await plan(gateway, "fs.list", { path: "/tmp" });
    expect(planned.requires_confirmation).toBe(false);
    expect(planned.confirmation.mode).toBe("none");
    expect((await execute(gateway, planned.task_id)).status).toBe("completed");
  });

  it("mode client takes the signed execute call as the confirmation", async () => {
    writeFileSync(gateway.file("/tmp/client.txt"), "hello");
    const planned = await plan(gateway, "fs.read", { path: "/tmp/client.txt" });
    expect(planned.requires_confirmation).toBe(true);
    expect(planned.confirmation).toMatchObject({ mode: "client", approvals_required: 0 });
    const done = await execute(gateway, planned.task_id);
    expect(done).toMatchObject({ status: "completed", result: { content: "hello" } });
  });

  it("mode approver waits for a person and starts by itself once approved", async () => {
    const path = freshPath();
    const planned = await plan(gateway, "fs.write", { path, content: "new" });
    expect(planned.confirmation.url).toBe(
      `${gateway.url.replace("127.0.0.1", "localhost")}/approvals/${planned.task_id}`,
    );
    const asked = await call<ExecuteView>(gateway, "POST", "/execute", {
      task_id: planned.task_id,
    });
    expect(asked.status).toBe(202);
    expect(asked.body.status).toBe("awaiting_confirmation");
    expect(asked.body.message).toContain(planned.confirmation.url);
    expect(existsSync(gateway.file(path))).toBe(false);
    await using events = await openEvents(gateway, { query: `task_id=${planned.task_id}&since=0` });
    await approve(gateway, planned);
    await events.until("task_completed");
    expect(readFileSync(gateway.file(path), "utf8")).toBe("new");
    expect(events.seen.map(({ event }) => event)).toEqual([
      "task_planned",
      "task_confirmed",
      "task_queued",
      "task_started",
      "task_completed",
    ]);
  });

  it("approving a planned task makes it ready and starts nothing before execute", async () => {
    const path = freshPath();
    const planned = await plan(gateway, "fs.write", { path, content: "x" });
    expect((await approve(gateway, planned)).status).toBe("ready");
    expect(existsSync(gateway.file(path))).toBe(false);
    expect((await execute(gateway, planned.task_id)).status).toBe("completed");
    expect(existsSync(gateway.file(path))).toBe(true);
  });

  it("names who approved, when, by what, and on whose behalf they claimed to", async () => {
    const planned = await plan(gateway, "fs.write", { path: freshPath(), content: "x" });
    const { task_id, plan_digest } = planned;
    await confirm({ task_id, plan_digest, decision: "approve", on_behalf_of: "ada@example.com" });
    const [approval] = (await task(gateway, task_id)).approvals;
    expect(approval).toMatchObject({
      key_id: "approver",
      on_behalf_of: "ada@example.com",
      plan_digest,
    });
    expect(Date.parse(approval?.at ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  it("a rejected task never runs and tells why", async () => {
    const path = freshPath();
    const { task_id, plan_digest } = await plan(gateway, "fs.write", { path, content: "x" });
    await confirm({ task_id, plan_digest, decision: "reject", reason: "not today" });
    const refused = await call<{ code: string }>(gateway, "POST", "/execute", { task_id });
    expect([refused.status, refused.body.code]).toEqual([409, "task_rejected"]);
    expect((await task(gateway, task_id)).rejection).toMatchObject({ reason: "not today" });
    expect(existsSync(gateway.file(path))).toBe(false);
  });

  it("I2 refuses to approve another digest than the plan's", async () => {
    const { task_id } = await plan(gateway, "fs.write", { path: freshPath(), content: "x" });
    const plan_digest = `sha256:${"0".repeat(64)}`;
    const answer = await confirm({ task_id, plan_digest, decision: "approve" });
    expect([answer.status, answer.body.code]).toEqual([409, "digest_mismatch"]);
    expect((await task(gateway, task_id)).status).toBe("planned");
  });

  it("I3 decides once: a second decision is refused", async () => {
    const planned = await plan(gateway, "fs.write", { path: freshPath(), content: "x" });
    const body = { task_id: planned.task_id, plan_digest: planned.plan_digest };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => confirm({ ...body, decision: "approve" })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers.filter(({ status }) => status !== 200)) {
      expect([status, body.code]).toEqual([409, "already_decided"]);
    }
    const late = await confirm({ ...body, decision: "reject" });
    expect([late.status, late.body.code]).toEqual([409, "already_decided"]);
  });

  it("I4 asks two distinct approvers where policy does", async () => {
    const path = freshPath();
    writeFileSync(gateway.file(path), "old");
    const planned = await plan(gateway, "fs.write", { path, content: "new", mode: "overwrite" });
    expect(planned.estimated_risk).toBe("high");
    expect(planned.confirmation.approvals_required).toBe(2);
    expect((await approve(gateway, planned)).status).toBe("planned");
    const body = {
      task_id: planned.task_id,
      plan_digest: planned.plan_digest,
      decision: "approve",
    };
    const again = await confirm({ ...body, on_behalf_of: "somebody else" });
    expect([again.status, again.body.code]).toEqual([409, "same_approver"]);
    expect((await confirm(body, gateway.keys.second)).body.status).toBe("ready");
    expect((await execute(gateway, planned.task_id)).status).toBe("completed");
    expect(readFileSync(gateway.file(path), "utf8")).toBe("new");
  });
});

describe("what was planned is what runs", () => {
  it("I2 refuses an execute that differs from the plan", async () => {
    const { task_id } = await plan(gateway, "fs.read", { path: "/tmp/client.txt" });
    for (const body of [
      { action: "fs.list" },
      { parameters: { path: "/tmp/other.txt" } },
      { action: "fs.read", parameters: { path: "/tmp/client.txt", encoding: "base64" } },
      { parameters: {} },
    ]) {
      const answer = await call<{ code: string }>(gateway, "POST", "/execute", {
        task_id,
        ...body,
      });
      expect([answer.status, answer.body.code]).toEqual([409, "plan_mismatch"]);
    }
    const same = { task_id, action: "fs.read", parameters: { path: "/tmp/../tmp/client.txt" } };
    const answer = await call<ExecuteView>(gateway, "POST", "/execute?wait=30", same);
    expect([answer.status, answer.body.status]).toEqual([200, "completed"]);
  });

  it("I3 fifty parallel executes start one run", async () => {
    const path = freshPath();
    const planned = await plan(gateway, "fs.write", { path, content: "once\n", mode: "append" });
    await approve(gateway, planned);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => execute(gateway, planned.task_id)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(["completed"]));
    expect(readFileSync(gateway.file(path), "utf8")).toBe("once\n");
  });

  it("a lost answer may be asked for again", async () => {
    const planned = await plan(gateway, "fs.read", { path: "/tmp/client.txt" });
    const first = await execute(gateway, planned.task_id);
    expect(await execute(gateway, planned.task_id)).toEqual(first);
  });

  it("I16 fails with state_changed where the file is no longer the one that was approved", async () => {
    const path = freshPath();
    writeFileSync(gateway.file(path), "alpha beta");
    const edit = { path, old_text: "alpha", new_text: "gamma" };
    const planned = await plan(gateway, "fs.edit", edit);
    expect(planned.steps[0]?.preview).toMatchObject({ kind: "diff" });
    await approve(gateway, planned);
    writeFileSync(gateway.file(path), "alpha beta!");
    const done = await execute(gateway, planned.task_id);
    expect([done.status, done.error?.code]).toEqual(["failed", "state_changed"]);
    expect(readFileSync(gateway.file(path), "utf8")).toBe("alpha beta!");
  });
});

describe("several steps", () => {
  it("run in order, with a result for each", async () => {
    const path = freshPath();
    const planned = await planRequest(gateway, {
      title: "write and read",
      steps: [
        { action: "fs.write", parameters: { path, content: "one" } },
        { action: "fs.read", parameters: { path } },
      ],
    });
    expect(planned).toMatchObject({ title: "write and read", estimated_risk: "medium" });
    expect(planned.steps.map(({ action }) => action)).toEqual(["fs.write", "fs.read"]);
    await approve(gateway, planned);
    const done = await execute(gateway, planned.task_id);
    expect(done.status).toBe("completed");
    expect(done.result).toMatchObject({ steps: [{ path, size: 3 }, { content: "one" }] });
  });

  it("stop at the first failure and keep what was done", async () => {
    const path = freshPath();
    const planned = await planRequest(gateway, {
      steps: [
        { action: "fs.write", parameters: { path, content: "kept" } },
        { action: "fs.read", parameters: { path: freshPath() } },
        { action: "fs.write", parameters: { path: `${path}.never`, content: "never" } },
      ],
    });
    await approve(gateway, planned);
    const done = await execute(gateway, planned.task_id);
    expect(done).toMatchObject({ status: "failed", error: { code: "file_not_found", step: 1 } });
    expect(readFileSync(gateway.file(path), "utf8")).toBe("kept");
    expect(existsSync(gateway.file(`${path}.never`))).toBe(false);
  });
});

describe("what planning reveals", () => {
  it("I12 shows a diff only to who may read the file without a person", async () => {
    const policy = {
      ...POLICY,
      capabilities: { ...POLICY.capabilities, "fs.read": { ...PATHS, confirmation: "approver" } },
    };
    await using blind = await startGateway({ policy });
    writeFileSync(blind.file("/tmp/secret.txt"), "a secret line\n");
    const there = await plan(blind, "fs.edit", {
      path: "/tmp/secret.txt",
      old_text: "a secret",
      new_text: "b",
    });
    const absent = await plan(blind, "fs.edit", {
      path: "/tmp/absent.txt",
      old_text: "a secret",
      new_text: "b",
    });
    expect(JSON.stringify(there)).not.toContain("secret line");
    // Nothing tells the two apart but what the requester itself sent, ids, digests and times.
    const comparable = (view: PlanView) => ({
      risk: view.estimated_risk,
      confirmation: { ...view.confirmation, url: "" },
      steps: view.steps.map(({ risk, reasons, preview }) => ({ risk, reasons, preview })),
    });
    expect(comparable(there)).toEqual(comparable(absent));
    const seen = await task(blind, there.task_id, blind.keys.approver);
    expect(JSON.stringify(seen.steps[0]?.preview)).toContain("secret line");
  });
});
