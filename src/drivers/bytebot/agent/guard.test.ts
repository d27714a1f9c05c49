import { expect, test } from "vitest";
import { startDaemon } from "../../../../test/bytebot/daemon.ts";
import { ENVELOPE, setStage } from "../../../../test/support/drivers/bytebot/agent/fixtures.ts";
import { failure } from "../../../../test/support/drivers/step/fixtures.ts";

const LOOK = { act: { action: "screenshot" } };

test("the guard is told of the run, and ends with it", async () => {
  const forward = async () => ({ status: 201 });
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: promise, complete: "done" }], { forward });
  const run = stage.start();
  await run.event("started");
  expect(stage.guard.run).toMatchObject({ desktop: "bytebot", envelope: ENVELOPE, forward });
  expect(stage.guard.run?.io.taskId).toBe("task_0000000000000000000000");
  resolve();
  await run.result;
  expect(stage.guard.run).toBeUndefined();
  expect(stage.guard.calls).toEqual(["begin", "end"]);
});

test("its actions pass while its one running task is ours", async () => {
  await using stage = await setStage([LOOK, { complete: "done" }]);
  await stage.start().result;
  expect(stage.guard).toMatchObject({ passed: ["screenshot"], refused: [] });
});

test("which task runs is asked for every action", async () => {
  await using stage = await setStage([LOOK, LOOK, LOOK, { complete: "done" }]);
  await stage.start().result;
  const asked = stage.agent.requests.filter(({ route }) => route === "GET /tasks");
  // Once before the task was created.
  expect(asked).toHaveLength(4);
});

test("nothing passes before ours was created", async () => {
  await using stage = await setStage([{ complete: "done" }]);
  const fault = stage.agent.fail({ action: "POST /tasks", with: "hang" });
  const run = stage.start();
  await fault.hit;
  const early = new AbortController();
  const agentDenial = stage.guard.run?.findAgentDenial(early.signal);
  early.abort();
  expect(await agentDenial).toMatch(/does not say/);
  fault.release();
  await run.result;
});

test("nothing passes while a person has the desktop", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: promise }]);
  const run = stage.start();
  const { id } = await run.task();
  await stage.agent.waitFor(({ tasks }) => tasks[0]?.status === "RUNNING");
  await run.event("started");
  await fetch(`${stage.agent.url}/tasks/${id}/takeover`, { method: "POST" });
  await expect(stage.agent.act({ action: "screenshot" })).rejects.toThrow();
  expect(stage.guard.refused).toEqual(["a person has the desktop"]);
  resolve();
});

test("nothing passes while another task runs beside ours", async () => {
  await using stage = await setStage((task) =>
    task.description === "Order paper" ? [{ needsHelp: "Hm?" }] : [LOOK],
  );
  const run = stage.start();
  await run.event("needs_help");
  stage.agent.createTask("Beside");
  await stage.guard.waitFor(({ refused }) => refused.length > 0);
  expect(stage.guard.refused).toEqual(["the agent's task does not run"]);
  await run.instruct({ kind: "message", message: "Go on" });
  await expect(stage.agent.act({ action: "screenshot" })).rejects.toThrow();
  expect(stage.guard.refused.at(-1)).toBe("the agent runs another task beside it");
  expect(stage.guard.passed).toEqual([]);
});

test("nothing passes while the agent does not answer", async () => {
  await using stage = await setStage([], { timings: { stopMs: 50 } });
  const run = stage.start();
  await run.event("started");
  const find = stage.guard.run?.findAgentDenial;
  await stage.agent.stopListening();
  expect(await find?.(AbortSignal.timeout(1000))).toMatch(/bytebot_unavailable/);
});

test("nothing passes after its end", async () => {
  await using stage = await setStage([{ complete: "done" }]);
  await stage.start().result;
  await expect(stage.agent.act({ action: "screenshot" })).rejects.toThrow();
  expect(stage.guard.refused).toEqual(["no session"]);
});

test("an agent that drives the desktop around the guard is stopped", async () => {
  await using daemon = await startDaemon({ latency: 0 });
  await using stage = await setStage([LOOK, { say: "Seen" }]);
  stage.agent.desktopBaseUrl = daemon.url;
  const run = stage.start();
  await expect(run.result).rejects.toMatchObject({
    ...failure("outcome_unknown", /around the gateway's guard/),
    extras: { hint: expect.stringContaining("BYTEBOT_DESKTOP_BASE_URL") },
  });
  expect((await run.task()).status).toBe("CANCELLED");
  expect(stage.guard.calls).toEqual(["begin", "end"]);
});

test("actions that the guard refused do not count as done around it", async () => {
  const nowhere = "http://127.0.0.1:9";
  await using stage = await setStage([{ ...LOOK, via: nowhere }, LOOK, { complete: "done" }]);
  const run = stage.start();
  expect(await run.result).toMatchObject({ outcome: "completed" });
  expect(run.events).toContainEqual({ kind: "tool_error", tool: "computer_screenshot" });
});
