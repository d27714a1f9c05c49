import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlanRequest } from "../../src/contract/requests.ts";
import type { Problem } from "../../src/contract/service.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { cli, RunningCli } from "../support/cli.ts";
import { openEvents } from "../support/events.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

/** A rejection that says what to do instead, from the console to whoever asked. */
let gateway: Gateway;
let olga: Person;
let count = 0;
beforeAll(async () => {
  gateway = await startGateway();
  olga = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const write = (content = "x") => plan(gateway, "fs.write", { path: `/tmp/p-${count++}`, content });

const PROPOSAL: PlanRequest = {
  title: "In a file of its own",
  steps: [{ action: "fs.write", parameters: { path: "/tmp/better.txt", content: "better" } }],
};

const reject = ({ task_id, plan_digest }: PlanView, change: object = {}) =>
  olga.call<TaskView>("POST", "/confirm", {
    task_id,
    plan_digest,
    decision: "reject",
    reason: "not there",
    proposal: PROPOSAL,
    ...change,
  });

describe("a proposal", () => {
  test("reaches the requester by task, event and answer, and is planned by nobody else", async () => {
    const planned = await write();
    const query = `task_id=${planned.task_id}&since=0`;
    await using events = await openEvents(gateway, { query });
    await using strange = await openEvents(gateway, { query, credentials: {} });
    const { status, body } = await reject(planned);
    expect(status).toBe(200);
    expect(body.rejection).toMatchObject({ key_id: olga.keyId, proposal: PROPOSAL });
    const told = await events.until("task_rejected");
    expect(told).toMatchObject({ reason: "not there", proposal: PROPOSAL });
    const redacted = await strange.until("task_rejected");
    expect(JSON.stringify(redacted)).not.toContain("better");
    const mine = await call<TaskView>(gateway, "GET", `/tasks/${planned.task_id}`);
    expect(mine.body.rejection?.proposal).toEqual(PROPOSAL);
    const { task_id } = planned;
    const executed = await call<Problem>(gateway, "POST", "/execute", { task_id });
    expect(executed).toMatchObject({ status: 409, body: { code: "task_rejected" } });
    expect(executed.body.proposal).toEqual(PROPOSAL);
    const tool = await call(gateway, "POST", "/tools/task_status", { task_id });
    expect(tool.body).toMatchObject({
      status: "rejected",
      reason: "not there",
      proposal: PROPOSAL,
    });
    const { body: tasks } = await olga.call<{ tasks: TaskView[] }>("GET", "/tasks");
    expect(tasks.tasks.some(({ title }) => title === PROPOSAL.title)).toBe(false);
    const again = await call<PlanView>(gateway, "POST", "/plan", mine.body.rejection?.proposal);
    expect(again).toMatchObject({ status: 200, body: { title: PROPOSAL.title } });
  });

  test("is not in the audit log with its content, nor any other key's to read", async () => {
    const planned = await write();
    const secret = "the content of the proposal, which is longer";
    const parameters = { path: "/tmp/b", content: secret };
    await reject(planned, { proposal: { action: "fs.write", parameters } });
    const target = `/audit?task_id=${planned.task_id}`;
    const { body } = await call(gateway, "GET", target, undefined, gateway.keys.approver);
    expect(JSON.stringify(body)).toContain("task.rejected");
    expect(JSON.stringify(body)).not.toContain(secret);
    const keys = gateway.keys.api;
    const other = await call(gateway, "GET", `/tasks/${planned.task_id}`, undefined, keys);
    expect(other.status).toBe(404);
  });

  const step = { action: "fs.read", parameters: { path: "/tmp/a" } };
  test.each([
    ["neither action nor steps", {}, "invalid_request"],
    ["both", { ...step, steps: [step] }, "invalid_request"],
    ["no steps", { steps: [] }, "invalid_request"],
    ["too many steps", { steps: Array(101).fill(step) }, "invalid_request"],
    ["an unknown field", { ...step, task_id: "x" }, "invalid_request"],
    ["an unknown action", { action: "fs.format" }, "capability_unknown"],
    [
      "parameters that do not fit",
      { action: "fs.read", parameters: { paths: 1 } },
      "invalid_request",
    ],
    [
      "sensitive text",
      { action: "keyboard.type", parameters: { text: "hunter2", sensitive: true } },
      "invalid_request",
    ],
    ["a text", "fs.read", "invalid_request"],
  ])("with %s is refused, and nothing is decided", async (_, proposal, code) => {
    const planned = await write();
    const { status, body } = await reject(planned, { proposal });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).toMatchObject({ code });
    expect(JSON.stringify(body)).not.toContain("hunter2");
    const { body: task } = await olga.call<TaskView>("GET", `/tasks/${planned.task_id}`);
    expect(task.status).toBe("planned");
  });

  test("does not stand beside an approval, and is not given by a requester", async () => {
    const planned = await write();
    expect((await reject(planned, { decision: "approve" })).status).toBe(400);
    const { task_id, plan_digest } = planned;
    const request = { task_id, plan_digest, decision: "reject", proposal: PROPOSAL };
    expect((await call(gateway, "POST", "/confirm", request)).status).toBe(403);
  });

  test("that is large is named where it would be repeated", async () => {
    const planned = await write();
    const { task_id } = planned;
    const content = "x".repeat(300 * 1024);
    const proposal = { action: "fs.write", parameters: { path: "/tmp/large", content } };
    expect((await reject(planned, { proposal })).status).toBe(200);
    const executed = await call<Problem>(gateway, "POST", "/execute", { task_id });
    expect(executed.body).toMatchObject({ proposal_url: `/tasks/${task_id}` });
    expect(executed.body.proposal).toBeUndefined();
    const task = await call<TaskView>(gateway, "GET", `/tasks/${task_id}`);
    expect(task.body.rejection?.proposal).toEqual(proposal);
  });

  test("is given with reject --proposal, and told to who waits on the command line", async () => {
    const planned = await write();
    const waiting = new RunningCli(gateway, ["execute", "--wait", planned.task_id]);
    await waiting.says("confirm");
    const file = join(gateway.configDir, "proposal.json");
    writeFileSync(file, JSON.stringify(PROPOSAL));
    const env = { env: { APPROVER_SECRET: gateway.keys.approver.secret } };
    const words = ["reject", planned.task_id, "--proposal", file];
    expect((await cli(gateway, words, env)).exit).toBe(0);
    expect(await waiting.exited).toBe(5);
    expect(waiting.stderr).toContain('"path": "/tmp/better.txt"');
  });
});
