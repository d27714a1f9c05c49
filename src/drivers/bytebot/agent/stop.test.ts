import { expect, test } from "vitest";
import { ENVELOPE, setStage } from "../../../../test/support/drivers/bytebot/agent/fixtures.ts";
import { failure } from "../../../../test/support/drivers/step/fixtures.ts";
import { GatewayError } from "../../../contract/errors.ts";

const CANCEL = "POST /tasks/:id/cancel";
const NEVER = [{ await: new Promise<void>(() => {}) }];

test("a stopped step ends the guard at once, then cancels the task and sees that it is over", async () => {
  await using stage = await setStage(NEVER);
  const run = stage.start();
  const task = await run.task();
  await run.event("started");
  const fault = stage.agent.fail({ action: CANCEL, with: "hang" });
  run.abort(new GatewayError("task_cancelled", "cancelled by default"));
  expect(stage.guard.calls).toEqual(["begin", "end"]);
  await fault.hit;
  fault.release();
  await expect(run.result).rejects.toMatchObject(failure("task_cancelled", /by default/));
  expect(task.status).toBe("CANCELLED");
  // The last look came after the cancel.
  expect(stage.agent.requests.at(-1)?.route).toBe("GET /tasks/:id");
});

test("cancelling any task hits the running one: a task that is over is not cancelled", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage(
    (task) => (task.description === "Beside" ? NEVER : [{ await: promise, complete: "done" }]),
    { socket: false, timings: { pollMs: 60_000 } },
  );
  const run = stage.start();
  await run.event("text");
  resolve();
  await stage.agent.waitFor(({ tasks }) => tasks[0]?.status === "COMPLETED");
  const beside = stage.agent.createTask("Beside");
  await stage.agent.waitFor(() => beside.status === "RUNNING");
  run.abort(new Error("stop"));
  await expect(run.result).rejects.toMatchObject(failure("task_cancelled"));
  expect(stage.agent.requests.filter(({ route }) => route === CANCEL)).toEqual([]);
  expect(beside.status).toBe("RUNNING");
});

test("a cancel that fails is tried again as long as the task is live", async () => {
  await using stage = await setStage(NEVER);
  const run = stage.start();
  const task = await run.task();
  await run.event("started");
  stage.agent.fail({ action: CANCEL, with: "500" });
  stage.agent.fail({ action: CANCEL, with: "reset" });
  run.abort(new Error("stop"));
  await expect(run.result).rejects.toMatchObject(failure("task_cancelled"));
  expect(task.status).toBe("CANCELLED");
});

test("a cancel whose answer is lost is not sent twice", async () => {
  await using stage = await setStage(NEVER);
  const run = stage.start();
  await run.event("started");
  stage.agent.fail({ action: CANCEL, with: "reset_after_effect" });
  run.abort(new Error("stop"));
  await expect(run.result).rejects.toMatchObject(failure("task_cancelled"));
  expect(stage.agent.requests.filter(({ route }) => route === CANCEL)).toHaveLength(1);
});

test("a task that nobody sees end is an unknown outcome", async () => {
  await using stage = await setStage(NEVER, { timings: { stopMs: 100 } });
  const run = stage.start();
  await run.event("started");
  stage.agent.fail({ action: CANCEL, with: "500", times: Number.POSITIVE_INFINITY });
  run.abort(new Error("stop"));
  await expect(run.result).rejects.toMatchObject(failure("outcome_unknown"));
  expect(stage.guard.calls).toEqual(["begin", "end"]);
});

test("the envelope's time is kept here too", async () => {
  await using stage = await setStage(NEVER);
  const run = stage.start({ envelope: { ...ENVELOPE, max_duration_s: 1 } });
  const task = await run.task();
  await expect(run.result).rejects.toMatchObject(failure("timeout", /1 s of its envelope/));
  expect(task.status).toBe("CANCELLED");
  expect(stage.guard.calls).toEqual(["begin", "end"]);
});

test.each([
  ["refuses connections", "refuse_connection"],
  ["resets them", "reset"],
  ["hangs", "hang"],
] as const)("an agent that %s half way is lost: outcome unknown", async (_what, fault) => {
  await using stage = await setStage(NEVER, {
    requestTimeoutMs: 100,
    timings: { lostAfterMs: 150, stopMs: 150 },
  });
  const run = stage.start();
  await run.event("started");
  stage.agent.stopSockets();
  stage.agent.fail({ with: fault, times: Number.POSITIVE_INFINITY });
  await expect(run.result).rejects.toMatchObject(failure("outcome_unknown", /out of reach/));
  expect(stage.guard.calls).toEqual(["begin", "end"]);
});

test("an agent that comes back in time is followed on", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: promise, say: "here", complete: "done" }], {
    timings: { lostAfterMs: 60_000 },
  });
  const run = stage.start();
  await run.event("started");
  await stage.agent.stopListening();
  resolve();
  await stage.agent.waitFor(({ tasks }) => tasks[0]?.status === "COMPLETED");
  await stage.agent.listenAgain();
  expect(await run.result).toMatchObject({ outcome: "completed" });
});

test("closing the driver stops what it does", async () => {
  await using stage = await setStage(NEVER);
  const run = stage.start();
  const task = await run.task();
  await run.event("started");
  await stage.driver[Symbol.asyncDispose]();
  await expect(run.result).rejects.toMatchObject(failure("stopped"));
  expect(task.status).toBe("CANCELLED");
});

test("what cannot be recorded ends the task", async () => {
  await using stage = await setStage(NEVER);
  const refuse = async () => {
    throw new GatewayError("audit_unavailable", "the disk is full");
  };
  const { ioOf } = await import("../../../../test/support/drivers/step/fixtures.ts");
  const run = stage.start({}, { ...ioOf(), record: refuse });
  const task = await run.task();
  await expect(run.result).rejects.toMatchObject(failure("audit_unavailable"));
  expect(task.status).toBe("CANCELLED");
});
