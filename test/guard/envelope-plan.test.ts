import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { approve, plan, task } from "../support/flow.ts";
import { type AskedEnvelope, GuardedAgent } from "./guarded-agent.ts";

let bytebot: GuardedAgent;
beforeAll(async () => {
  bytebot = await GuardedAgent.start();
});
afterAll(() => bytebot[Symbol.asyncDispose]());

const planned = (envelope?: AskedEnvelope) =>
  plan(bytebot.gateway, "agent.task", { description: "tidy up", ...(envelope && { envelope }) });

test("a plan shows the envelope in words, and what it does not ask for comes from the policy", async () => {
  const narrow = {
    actions: ["mouse.click", "app.open", "fs.read"],
    applications: ["firefox"],
    paths: ["/home/user/in/../in"],
    max_actions: 5,
    region: { x: 1, y: 2, width: 30, height: 40 },
  };
  const { steps, plan_digest } = await planned(narrow);
  expect(steps[0]?.preview).toEqual({
    kind: "agent",
    description: "tidy up",
    envelope: [
      "It may use mouse.click, app.open, fs.read.",
      "It may open firefox.",
      "It may touch what lies in /home/user/in.",
      "Its pointer may act from 1, 2 on, 30×40 pixels.",
      "It may take 5 actions in 200 seconds.",
    ],
  });
  expect(plan_digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  const { steps: usual } = await planned();
  expect(JSON.stringify(usual[0]?.preview)).toContain("It may take 1000 actions");
});

test("I2 the approved envelope is part of the plan that is stored and digested", async () => {
  const { task_id } = await planned({ max_actions: 7 });
  const view = await task(bytebot.gateway, task_id);
  expect(view.steps[0]?.parameters).toMatchObject({
    envelope: { max_actions: 7, max_duration_s: 200, applications: ["firefox", "directory"] },
  });
});

test.each<[AskedEnvelope, string]>([
  [{ actions: ["shell.run"] }, "invalid_request"],
  [{ applications: ["terminal"] }, "application_not_allowed"],
  [{ paths: ["/"] }, "path_not_allowed"],
  [{ paths: ["/home/user/../.."] }, "path_not_allowed"],
  [{ paths: ["home/user"] }, "invalid_request"],
  [{ max_actions: 1001 }, "invalid_request"],
  [{ max_duration_s: 201 }, "invalid_request"],
  [{ actions: ["mouse.click"], sudo: true }, "invalid_request"],
])("I1 a plan with the envelope %j is refused: %s", async (envelope, code) => {
  const parameters = { description: "tidy up", envelope };
  const body = { action: "agent.task", parameters };
  const answer = await call(bytebot.gateway, "POST", "/plan", body);
  expect(answer.body).toMatchObject({ code, hint: expect.any(String) });
});

test("I16 an approved envelope that the policy has narrowed since does not start", async () => {
  const { gateway } = bytebot;
  const made = await planned({ max_actions: 50 });
  await approve(gateway, made);
  const file = `${gateway.configDir}/policy.json`;
  const policy = JSON.parse(readFileSync(file, "utf8"));
  const narrowed = structuredClone(policy);
  narrowed.capabilities["agent.task"].envelope.max_actions = 10;
  const before = gateway.logs().length;
  gateway.writePolicy(narrowed);
  await gateway.logged(
    (line) => line.msg === "policy reloaded" && gateway.logs().indexOf(line) >= before,
  );
  const answer = await call(gateway, "POST", "/execute", { task_id: made.task_id });
  expect(answer.body).toMatchObject({ code: "invalid_request" });
  expect(bytebot.agent.tasks).toEqual([]);
  gateway.writePolicy(policy);
});
