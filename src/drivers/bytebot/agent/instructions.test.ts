import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { setStage } from "../../../../test/support/drivers/bytebot/agent/fixtures.ts";
import { failure, ioOf } from "../../../../test/support/drivers/step/fixtures.ts";
import { GatewayError } from "../../../contract/errors.ts";

const LOOK = { act: { action: "screenshot" } };
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
  expect(posts(stage.agent.requests)).toEqual(["messages", "resume"]);
  expect(stage.guard.calls).toEqual(["begin", "end"]);
  // It was ByteBot that handed it over, and nobody who took it.
  expect(run.events.filter(({ kind }) => kind === "control")).toEqual([]);
});

test("an answer that comes while it still hands itself over starts no second loop", async () => {
  await using stage = await setStage([{ needsHelp: "Which?" }, LOOK, { complete: "done" }], {
    timings: { settleMs: 1000 },
  });
  stage.agent.holdInputTracking();
  const run = stage.start();
  await run.event("needs_help");
  const answered = run.instruct({ kind: "message", message: "This one" });
  await stage.agent.waitFor(({ requests }) => posts(requests).includes("messages"));
  stage.agent.releaseInputTracking();
  await answered;
  await run.result;
  expect([stage.guard.passed, stage.guard.refused]).toEqual([["screenshot"], []]);
});

test("an agent that waits for help goes on when it is given back, taken over before or not", async () => {
  await using stage = await setStage([{ needsHelp: "A?" }, { needsHelp: "B?" }, { complete: "." }]);
  const run = stage.start();
  await run.event("needs_help");
  await run.instruct({ kind: "resume" });
  await run.recorded(({ event }) => event?.message === "The agent asks for help: B?");
  await run.instruct({ kind: "takeover" });
  await run.instruct({ kind: "message", message: "I do it myself" });
  expect(posts(stage.agent.requests)).toEqual(["resume", "messages"]);
  await run.instruct({ kind: "resume" });
  expect(await run.result).toMatchObject({ outcome: "completed" });
  expect(posts(stage.agent.requests)).toEqual(["resume", "messages", "resume"]);
  expect(stage.guard.calls).toEqual(["begin", "pause", "resume", "end"]);
});

test("takeover holds the agent at the guard, and ByteBot is told nothing", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  const task = await run.task();
  await stage.agent.waitFor(() => task.status === "RUNNING");
  await run.instruct({ kind: "takeover" });
  expect(await run.event("control")).toEqual({ kind: "control", holder: "user" });
  stage.agent.tell(task.id, LOOK, { complete: "done" });
  await stage.guard.waitFor(({ held }) => held === 1);
  expect([stage.guard.passed, stage.guard.refused]).toEqual([[], []]);
  await run.instruct({ kind: "resume" });
  expect(await run.result).toMatchObject({ outcome: "completed" });
  expect(stage.guard.passed).toEqual(["screenshot"]);
  expect(stage.guard.calls).toEqual(["begin", "pause", "resume", "end"]);
  expect(run.events.filter(({ kind }) => kind === "control")).toEqual([
    { kind: "control", holder: "user" },
    { kind: "control", holder: "assistant" },
  ]);
  expect(posts(stage.agent.requests)).toEqual([]);
});

test("gated on who has the desktop, and nothing is sent", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  await expect(run.instruct({ kind: "resume" })).rejects.toMatchObject(failure("state_changed"));
  await run.instruct({ kind: "takeover" });
  await expect(run.instruct({ kind: "takeover" })).rejects.toMatchObject(failure("state_changed"));
  expect(posts(stage.agent.requests)).toEqual([]);
});

test("a takeover that cannot be recorded leaves the agent the desktop", async () => {
  await using stage = await setStage([]);
  const full = new GatewayError("audit_unavailable", "the disk is full");
  const run = stage.start(
    {},
    {
      ...ioOf(),
      record: async ({ event }) => {
        if (event?.message === "A person has the desktop") throw full;
      },
    },
  );
  await run.event("started");
  await expect(run.instruct({ kind: "takeover" })).rejects.toBe(full);
  expect(stage.guard.calls).toEqual(["begin", "pause", "resume"]);
});

test("taken over in ByteBot itself it is nobody's to take or to give back", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  const task = await run.task();
  await run.event("started");
  await stage.agent.waitFor(() => task.status === "RUNNING");
  await fetch(`${stage.agent.url}/tasks/${task.id}/takeover`, { method: "POST" });
  for (const kind of ["takeover", "resume"] as const) {
    await expect(run.instruct({ kind })).rejects.toMatchObject(
      failure("state_changed", /in ByteBot itself/),
    );
  }
  await run.event("control");
  // Whether its loop went on meanwhile, and a second one is beside it now, nobody can tell.
  await fetch(`${stage.agent.url}/tasks/${task.id}/resume`, { method: "POST" });
  await expect(run.result).rejects.toMatchObject(failure("outcome_unknown", /two loops/));
  expect(task.status).toBe("CANCELLED");
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
    timings: slow,
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

test("a second loop, which ByteBot starts when some other task is cancelled, is stopped", async () => {
  const thought = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: thought.promise, ...LOOK }, LOOK]);
  const run = stage.start();
  const task = await run.task();
  await run.instruct({ kind: "takeover" });
  thought.resolve();
  await stage.guard.waitFor(({ held }) => held === 1);
  const other = stage.agent.createTask("Beside");
  await fetch(`${stage.agent.url}/tasks/${other.id}/cancel`, { method: "POST" });
  await expect(run.result).rejects.toMatchObject(failure("outcome_unknown", /two loops/));
  expect(task.status).toBe("CANCELLED");
  expect(stage.guard.passed).toEqual([]);
});

test("an agent out of reach is said to be", async () => {
  await using stage = await setStage([], {
    timings: { lostAfterMs: 60_000, stopMs: 50 },
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
