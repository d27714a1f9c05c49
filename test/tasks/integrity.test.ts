import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { ExecuteView, TaskList } from "../../src/contract/requests.ts";
import type { PlanView } from "../../src/contract/task.ts";
import { type Receiver, SECRET, startReceiver } from "../notify/receiver.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, execute, plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import {
  approvalsOf,
  changePlan,
  changeState,
  runOnTask,
  setDigest,
  type TamperedPlan,
} from "./tamper.ts";

const FILES = { enabled: true, allowed_paths: ["/tmp"] };
const POLICY = {
  capabilities: {
    "fs.write": { ...FILES, risk_level: "medium" },
    "fs.read": { ...FILES, risk_level: "low" },
    "fs.edit": { ...FILES, risk_level: "medium", confirmation: "client" },
    wait: { enabled: true, risk_level: "low" },
  },
};

let gateway: Gateway;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  const hook = { id: "hook", url: receiver.url, secret: SECRET, allow_http: true };
  gateway = await startGateway({
    policy: POLICY,
    clients: [{ id: "other", scopes: ["plan", "execute", "read"] }],
    config: { "webhooks.json": { webhooks: [{ ...hook, events: ["task.failed"] }] } },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

let files = 0;
/** A path that no task has written. */
function newPath(): string {
  files += 1;
  return `/tmp/integrity-${files}.txt`;
}

const planWrite = (path: string) => plan(gateway, "fs.write", { path, content: "as planned" });

async function planApproved(path: string): Promise<PlanView> {
  const planned = await planWrite(path);
  await approve(gateway, planned);
  return planned;
}

type Problem = ExecuteView & { readonly code?: string; readonly detail?: string };

const executeTask = (task_id: string) =>
  call<Problem>(gateway, "POST", "/execute?wait=30", { task_id });

async function recordsOf(taskId: string): Promise<AuditList["records"]> {
  const target = `/audit?task_id=${taskId}`;
  return (await call<AuditList>(gateway, "GET", target, undefined, gateway.keys.approver)).body
    .records;
}

/** Failed, in the audit log and the program's, told to webhooks; nothing forged is shown or done. */
async function expectCorrupted(taskId: string, path: string): Promise<void> {
  const shown = await task(gateway, taskId, gateway.keys.approver);
  expect(shown).toMatchObject({ status: "failed", error: { code: "plan_corrupted" } });
  expect(JSON.stringify(shown)).not.toContain("FORGED");
  expect(existsSync(gateway.file(path))).toBe(false);
  await gateway.logged((line) => line.level === "error" && line.task_id === taskId);
  await receiver.receivedWhere(
    ({ type, data }) => type === "task.failed" && data.task_id === taskId,
  );
}

function forge(stored: TamperedPlan): void {
  for (const { parameters } of stored.steps) parameters.content = "FORGED";
}

/** What is done to an approved plan. */
const TAMPERINGS: Readonly<Record<string, (taskId: string) => void>> = {
  "whose plan was changed": (id) => void changePlan(gateway, id, forge),
  "whose plan and digest were changed": (id) =>
    setDigest(gateway, id, changePlan(gateway, id, forge)),
  "whose plan, digest and approval were changed": (id) => {
    const digest = changePlan(gateway, id, forge);
    setDigest(gateway, id, digest);
    changeState(gateway, id, ({ approvals }) => {
      for (const approval of approvals) approval.plan_digest = digest;
    });
  },
  "whose plan was changed to ask nobody": (id) => {
    const digest = changePlan(gateway, id, (stored) => {
      forge(stored);
      Object.assign(stored, { mode: "none", approvals: 0, risk: "low" });
    });
    setDigest(gateway, id, digest);
    changeState(gateway, id, (state) => {
      state.approvals = [];
      state.status = "planned";
    });
  },
  "whose approver was changed": (id) =>
    changeState(gateway, id, ({ approvals }) => {
      for (const approval of approvals) approval.key_id = "somebody";
    }),
  "whose approval stands there twice": (id) =>
    changeState(gateway, id, (state) => {
      state.approvals = [...state.approvals, ...state.approvals];
    }),
  "whose plan is no JSON": (id) =>
    runOnTask(gateway, id, "UPDATE plans SET plan = 'x' WHERE seq = ?"),
  "whose plan is gone": (id) => runOnTask(gateway, id, "UPDATE plans SET plan = '' WHERE seq = ?"),
  "whose state is no JSON": (id) =>
    runOnTask(gateway, id, "UPDATE tasks SET state = 'x' WHERE seq = ?"),
  "that shows another summary than it was planned with": (id) =>
    runOnTask(
      gateway,
      id,
      `UPDATE plans SET notes = replace(notes, '"summary":"', '"summary":"FORGED ') WHERE seq = ?`,
    ),
};

describe("I19 a task", () => {
  it.each(Object.entries(TAMPERINGS))("%s does not run", async (_, tamper) => {
    const path = newPath();
    const { task_id } = await planApproved(path);
    tamper(task_id);
    const answer = await executeTask(task_id);
    expect(answer).toMatchObject({ status: 409, body: { code: "plan_corrupted" } });
    await expectCorrupted(task_id, path);
    const records = await recordsOf(task_id);
    expect(records.at(-1)).toMatchObject({
      type: "task.failed",
      key_id: null,
      details: { code: "plan_corrupted" },
    });
    // It stays so.
    expect(await executeTask(task_id)).toMatchObject({ body: { code: "plan_corrupted" } });
  });

  it.each(Object.entries(TAMPERINGS))(
    "%s while the gateway was down does not run",
    async (_, tamper) => {
      const path = newPath();
      const { task_id } = await planApproved(path);
      await gateway.stop();
      tamper(task_id);
      await gateway.start();
      expect((await executeTask(task_id)).body.code).toBe("plan_corrupted");
      await expectCorrupted(task_id, path);
    },
  );

  it("whose approval is another task's does not run", async () => {
    const [path, otherPath] = [newPath(), newPath()];
    const { task_id } = await planWrite(path);
    const approved = await planApproved(otherPath);
    const copied = approvalsOf(gateway, approved.task_id);
    changeState(gateway, task_id, (state) =>
      Object.assign(state, { status: "ready", approvals: copied }),
    );
    expect((await executeTask(task_id)).body.code).toBe("plan_corrupted");
    await expectCorrupted(task_id, path);
    expect(await execute(gateway, approved.task_id)).toMatchObject({ status: "completed" });
  });

  it("whose copied approval names its own plan does not run either", async () => {
    const [path, otherPath] = [newPath(), newPath()];
    const { task_id, plan_digest } = await planWrite(path);
    const approved = await planApproved(otherPath);
    const copied = approvalsOf(gateway, approved.task_id).map((one) => ({ ...one, plan_digest }));
    changeState(gateway, task_id, (state) =>
      Object.assign(state, { status: "ready", approvals: copied }),
    );
    expect((await executeTask(task_id)).body.code).toBe("plan_corrupted");
    await expectCorrupted(task_id, path);
  });

  it("that was made ready or queued without an approval does not run", async () => {
    for (const status of ["ready", "queued"]) {
      const path = newPath();
      const { task_id } = await planWrite(path);
      await gateway.stop();
      changeState(gateway, task_id, (state) => Object.assign(state, { status, executed: true }));
      await gateway.start();
      expect((await executeTask(task_id)).body.code).toBe("plan_corrupted");
      await expectCorrupted(task_id, path);
    }
  });

  it("that has run does not run again when it is made ready anew", async () => {
    const path = newPath();
    writeFileSync(gateway.file(path), "one");
    const planned = await plan(gateway, "fs.edit", { path, old_text: "one", new_text: "one one" });
    expect(await execute(gateway, planned.task_id)).toMatchObject({ status: "completed" });
    changeState(gateway, planned.task_id, (state) => {
      state.status = "planned";
    });
    expect((await executeTask(planned.task_id)).body.code).toBe("plan_corrupted");
    const types = (await recordsOf(planned.task_id)).map(({ type }) => type);
    expect(types.filter((type) => type === "task.started")).toHaveLength(1);
  });

  it("that a person rejected cannot be approved when it is made to wait anew", async () => {
    const path = newPath();
    const planned = await planWrite(path);
    const { task_id, plan_digest } = planned;
    await call(
      gateway,
      "POST",
      "/confirm",
      { task_id, plan_digest, decision: "reject" },
      gateway.keys.approver,
    );
    changeState(gateway, task_id, (state) => {
      state.status = "planned";
      delete state.rejection;
    });
    const decision = { task_id, plan_digest, decision: "approve" };
    const answer = await call(gateway, "POST", "/confirm", decision, gateway.keys.approver);
    expect(answer).toMatchObject({ status: 409, body: { code: "plan_corrupted" } });
    await expectCorrupted(task_id, path);
  });

  it("that was changed is not shown, approved or listed as it stands", async () => {
    const path = newPath();
    const { task_id, plan_digest } = await planWrite(path);
    setDigest(gateway, task_id, changePlan(gateway, task_id, forge));
    const shown = await task(gateway, task_id, gateway.keys.approver);
    expect(shown).toMatchObject({ task_id, status: "failed", plan_digest, action: "fs.write" });
    expect(JSON.stringify(shown)).not.toContain("FORGED");
    const listed = await call<TaskList>(gateway, "GET", "/tasks", undefined, gateway.keys.approver);
    expect(listed.status).toBe(200);
    expect(JSON.stringify(listed.body)).not.toContain("FORGED");
    const decision = { task_id, plan_digest, decision: "approve" };
    const answer = await call(gateway, "POST", "/confirm", decision, gateway.keys.approver);
    expect(answer).toMatchObject({ status: 409, body: { code: "plan_corrupted" } });
  });

  it("that was made another key's is not that key's", async () => {
    const path = newPath();
    const { task_id } = await planApproved(path);
    runOnTask(gateway, task_id, "UPDATE tasks SET requester = 'other' WHERE seq = ?");
    const taken = await call(gateway, "POST", "/execute?wait=30", { task_id }, gateway.keys.other);
    expect(taken).toMatchObject({ status: 404 });
    await expectCorrupted(task_id, path);
  });

  it("whose plan is changed while it runs ends before its next step", async () => {
    const path = newPath();
    const planned = await planRequest(gateway, {
      steps: [
        { action: "wait", parameters: { duration_ms: 1500 } },
        { action: "fs.write", parameters: { path, content: "as planned" } },
      ],
    });
    await approve(gateway, planned);
    const { task_id } = planned;
    await using events = await openEvents(gateway, { query: `task_id=${task_id}&since=0` });
    await call(gateway, "POST", "/execute", { task_id });
    await events.until("task_started");
    changePlan(gateway, task_id, forge);
    await events.until("task_failed");
    await expectCorrupted(task_id, path);
    const records = await recordsOf(task_id);
    const steps = records.filter(({ type }) => type === "step.started");
    expect(steps).toHaveLength(1);
    // What was carried out before is in the record.
    expect(records.map(({ type }) => type)).toContain("step.finished");
  });
});
