import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { failure } from "../../step/fixtures.ts";
import { setStage } from "./fixtures.ts";

const POSTS = /^POST \/tasks\/:id\/(\w+)$/;

test("a word to an agent that works is handed on", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  const { id } = await run.task();
  await run.instruct({ kind: "message", message: "Blue, please" });
  expect(stage.agent.messagesOf(id).at(-1)).toMatchObject({
    role: "USER",
    content: [{ type: "text", text: "Blue, please" }],
  });
  expect(posts(stage.agent.requests)).toEqual(["messages"]);
});

test("an answer to a question makes it go on", async () => {
  await using stage = await setStage([{ needsHelp: "Which?" }, { complete: "done" }]);
  const run = stage.start();
  await run.event("needs_help");
  await run.instruct({ kind: "message", message: "This one" });
  expect(await run.result).toMatchObject({ outcome: "completed" });
  expect(posts(stage.agent.requests)).toEqual(["messages", "takeover", "resume"]);
  expect(stage.guard.calls).toEqual(["begin", "end"]);
});

test("takeover pauses the guard before it is sent, resume lets the agent act again after", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  const task = await run.task();
  const fault = stage.agent.fail({ action: "POST /tasks/:id/takeover", with: "hang" });
  const taken = run.instruct({ kind: "takeover" });
  await fault.hit;
  expect(stage.guard.calls).toEqual(["begin", "pause"]);
  fault.release();
  await taken;
  expect(task.control).toBe("USER");
  expect(await run.event("control")).toEqual({ kind: "control", holder: "user" });
  await run.instruct({ kind: "resume" });
  expect(task.control).toBe("ASSISTANT");
  expect(stage.guard.calls).toEqual(["begin", "pause", "resume"]);
});

test("400 wrong state: gated on who has the desktop, before anything is sent", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  await expect(run.instruct({ kind: "resume" })).rejects.toMatchObject(failure("state_changed"));
  await run.instruct({ kind: "takeover" });
  await expect(run.instruct({ kind: "takeover" })).rejects.toMatchObject(failure("state_changed"));
  expect(posts(stage.agent.requests)).toEqual(["takeover"]);
});

test("a refused takeover leaves the agent the desktop", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  await run.task();
  stage.agent.fail({ action: "POST /tasks/:id/takeover", with: "status 400" });
  await expect(run.instruct({ kind: "takeover" })).rejects.toMatchObject(failure("state_changed"));
  expect(stage.guard.calls).toEqual(["begin", "pause", "resume"]);
});

test("a takeover whose answer is lost leaves the agent paused until it is given back", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  await run.task();
  stage.agent.fail({ action: "POST /tasks/:id/takeover", with: "reset" });
  await expect(run.instruct({ kind: "takeover" })).rejects.toMatchObject(failure("bytebot_error"));
  expect(stage.guard.calls).toEqual(["begin", "pause"]);
  await run.instruct({ kind: "resume" });
  expect(stage.guard.calls).toEqual(["begin", "pause", "resume"]);
  expect(posts(stage.agent.requests)).toEqual(["takeover"]);
});

test("a finished task is neither taken over nor resumed: ByteBot would run it again", async () => {
  await using stage = await setStage([{ complete: "done" }]);
  const run = stage.start();
  await run.result;
  const before = stage.agent.requests.length;
  for (const kind of ["takeover", "resume"] as const) {
    await expect(run.instruct({ kind })).rejects.toMatchObject(failure("state_changed", /over/));
  }
  await expect(run.instruct({ kind: "message", message: "x" })).rejects.toMatchObject(
    failure("state_changed"),
  );
  expect(stage.agent.requests).toHaveLength(before);
});

test("nor is one that has finished and was not seen to yet", async () => {
  const slow = { pollMs: 60_000, checkMs: 60_000 };
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: promise, complete: "done" }], {
    socket: false,
    paces: slow,
  });
  const run = stage.start();
  await run.event("text");
  resolve();
  await stage.agent.waitFor(({ tasks }) => tasks[0]?.status === "COMPLETED");
  await expect(run.instruct({ kind: "takeover" })).rejects.toMatchObject(
    failure("state_changed", /over/),
  );
  expect(posts(stage.agent.requests)).toEqual([]);
  // The instruction made it look again.
  expect(await run.result).toMatchObject({ outcome: "completed" });
});

test("an agent out of reach is said to be", async () => {
  await using stage = await setStage([], {
    paces: { lostAfterMs: 60_000, stopMs: 50 },
    retryAttempts: 0,
  });
  const run = stage.start();
  await run.event("started");
  await stage.agent.stopListening();
  await expect(run.instruct({ kind: "takeover" })).rejects.toMatchObject(
    failure("bytebot_unavailable"),
  );
});

test("an instruction that is under way when the task ends is waited for", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: promise, complete: "done" }]);
  const run = stage.start();
  const order: string[] = [];
  const fault = stage.agent.fail({ action: "POST /tasks/:id/messages", with: "hang" });
  const told = run.instruct({ kind: "message", message: "x" }).then(() => order.push("told"));
  const ended = run.result.then(() => order.push("ended"));
  await fault.hit;
  resolve();
  await run.event("tool_use");
  // That nothing ends cannot be waited for: one that does not wait would end in this time.
  await Promise.race([ended, sleep(100)]);
  fault.release();
  await Promise.all([told, ended]);
  expect(order).toEqual(["told", "ended"]);
});

test("an instruction that is under way does not outlive what went wrong", async () => {
  await using stage = await setStage([], { requestTimeoutMs: 60_000 });
  const run = stage.start();
  const { id } = await run.task();
  const fault = stage.agent.fail({ action: "POST /tasks/:id/messages", with: "hang" });
  const told = run.instruct({ kind: "message", message: "x" });
  const refused = expect(told).rejects.toMatchObject(failure("bytebot_error"));
  await fault.hit;
  await fetch(`${stage.agent.url}/tasks/${id}`, { method: "DELETE" });
  await expect(run.result).rejects.toMatchObject(failure("bytebot_error", /deleted/));
  await refused;
});

function posts(requests: readonly { route: string }[]): string[] {
  return requests.flatMap(({ route }) => POSTS.exec(route)?.[1] ?? []);
}
