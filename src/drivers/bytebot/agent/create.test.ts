import { describe, expect, test } from "vitest";
import { setStage } from "../../../../test/support/drivers/bytebot/agent/fixtures.ts";
import { failure } from "../../../../test/support/drivers/step/fixtures.ts";

const DONE = [{ complete: "done" }];

test("POST /tasks: the description, the priority, the first model and the files as base64", async () => {
  await using stage = await setStage(DONE);
  const content = Buffer.from("a,b\n").toString("base64");
  const files = [{ name: "list.csv", content, media_type: "text/csv" }];
  await stage.start({ priority: "urgent", files }).result;
  const created = stage.agent.requests.filter(({ route }) => route === "POST /tasks");
  expect(created.map(({ body }) => body)).toEqual([
    {
      description: "Order paper",
      priority: "URGENT",
      model: {
        provider: "anthropic",
        name: "claude-opus-4-1-20250805",
        title: "Claude Opus 4.1",
      },
      files: [{ name: "list.csv", base64: content, type: "text/csv", size: 4 }],
    },
  ]);
});

test("the model is handed back whole, as GET /tasks/models has it", async () => {
  await using stage = await setStage(DONE);
  const run = stage.start({ model: "claude-sonnet-4-20250514" });
  await run.result;
  expect((await run.task()).model).toEqual({
    provider: "anthropic",
    name: "claude-sonnet-4-20250514",
    title: "Claude Sonnet 4",
  });
});

test("a model that is not offered is refused with those that are, and nothing is created", async () => {
  await using stage = await setStage(DONE);
  await expect(stage.start({ model: "other" }).result).rejects.toMatchObject({
    ...failure("invalid_request"),
    extras: { hint: "It offers claude-opus-4-1-20250805, claude-sonnet-4-20250514." },
  });
  expect(stage.agent.tasks).toEqual([]);
  expect(stage.guard.calls).toEqual([]);
});

test.each([
  ["a name with a quote", { name: 'a".txt', content: "" }],
  ["a name with a path", { name: "../a.txt", content: "" }],
  ["a name that runs a command", { name: "$(id).txt", content: "" }],
  ["content that is no base64", { name: "a.txt", content: "a b c" }],
  ["a media type that is none", { name: "a.txt", content: "", media_type: "x" }],
])("file names and contents are checked again: %s", async (_what, file) => {
  await using stage = await setStage(DONE);
  await expect(stage.start({ files: [file] }).result).rejects.toMatchObject(
    failure("invalid_request"),
  );
  expect(stage.agent.requests).toEqual([]);
});

test.each([[{}], [{ envelope: { actions: [] } }]])(
  "without a whole envelope nothing is sent",
  async (given) => {
    await using stage = await setStage(DONE);
    const parameters = { envelope: undefined, ...given };
    await expect(stage.start(parameters).result).rejects.toMatchObject(failure("invalid_request"));
    expect(stage.agent.requests).toEqual([]);
  },
);

test("an agent that cannot be guarded is never asked", async () => {
  await using stage = await setStage(DONE);
  stage.guard.state = {
    available: false,
    code: "capability_disabled",
    reason: "there is no guard",
    hint: "Set GUARD_KEY.",
  };
  expect(stage.driver.availability()).toEqual(stage.guard.state);
  await expect(stage.start().result).rejects.toMatchObject(failure("capability_disabled"));
  expect(stage.agent.requests).toEqual([]);
});

test("an agent with another live task is left alone", async () => {
  await using stage = await setStage([]);
  const other = stage.agent.createTask("Something else");
  await expect(stage.start().result).rejects.toMatchObject(
    failure("desktop_unavailable", /another task/),
  );
  expect(stage.agent.tasks).toEqual([other]);
  expect(other.status).not.toBe("CANCELLED");
});

test("a task that waits for a review does not stand in the way", async () => {
  await using stage = await setStage([{ needsReview: "Look" }]);
  await stage.start().result;
  expect(await stage.start().result).toMatchObject({ outcome: "needs_review" });
});

test("an agent that nobody can reach: nothing was sent, and that is said", async () => {
  await using stage = await setStage(DONE);
  await stage.agent.stopListening();
  await expect(stage.start().result).rejects.toMatchObject(failure("bytebot_unavailable"));
  expect(await stage.driver.health()).toMatchObject({ detail: expect.stringMatching(/reached/) });
  await stage.agent.listenAgain();
  expect(await stage.driver.health()).toBeUndefined();
});

test("something that is not ByteBot's agent is told apart", async () => {
  await using stage = await setStage(DONE);
  stage.agent.fail({ action: "GET /tasks", with: "invalid_json" });
  expect(await stage.driver.health()).toMatchObject({
    detail: "ByteBot's agent answers 200 to which task runs",
    hint: expect.stringContaining("9991"),
  });
});

test("reads are tried again", async () => {
  await using stage = await setStage(DONE);
  stage.agent.fail({ action: "GET /tasks/models", with: "500" });
  stage.agent.fail({ action: "GET /tasks", with: "reset" });
  expect(await stage.start().result).toMatchObject({ outcome: "completed" });
});

describe("POST /tasks is sent once", () => {
  test("a reset after it was created: found, cancelled, outcome unknown", async () => {
    await using stage = await setStage([]);
    stage.agent.fail({ action: "POST /tasks", with: "reset_after_effect" });
    await expect(stage.start().result).rejects.toMatchObject(
      failure("outcome_unknown", /was found and cancelled/),
    );
    expect(stage.agent.tasks.map(({ status }) => status)).toEqual(["CANCELLED"]);
    expect(stage.guard.calls).toEqual(["begin", "end"]);
  });

  test.each(["reset", "500", "invalid_json"] as const)("%s: outcome unknown", async (fault) => {
    await using stage = await setStage([], { timings: { stopMs: 100 } });
    stage.agent.fail({ action: "POST /tasks", with: fault });
    await expect(stage.start().result).rejects.toMatchObject(failure("outcome_unknown"));
    const sent = stage.agent.requests.filter(({ route }) => route === "POST /tasks");
    expect(sent).toHaveLength(1);
    expect(stage.agent.tasks.filter(({ status }) => status !== "CANCELLED")).toEqual([]);
  });

  test("one that hung and was created late is found all the same", async () => {
    await using stage = await setStage([], { requestTimeoutMs: 50 });
    const fault = stage.agent.fail({ action: "POST /tasks", with: "hang" });
    const run = stage.start();
    await fault.hit;
    await stage.agent.waitFor(({ requests }) => requests.at(-1)?.route === "GET /tasks");
    fault.release();
    await expect(run.result).rejects.toMatchObject(failure("outcome_unknown", /cancelled/));
    expect(stage.agent.tasks.map(({ status }) => status)).toEqual(["CANCELLED"]);
  });

  test("one that was stopped while it was sent is found and cancelled", async () => {
    await using stage = await setStage([]);
    const fault = stage.agent.fail({ action: "POST /tasks", with: "hang_after_effect" });
    const run = stage.start();
    await fault.hit;
    run.abort(new Error("cancelled"));
    await expect(run.result).rejects.toMatchObject(failure("outcome_unknown", /cancelled/));
    expect(stage.agent.tasks.map(({ status }) => status)).toEqual(["CANCELLED"]);
  });

  test("413: the files are too much, and nothing was created", async () => {
    await using stage = await setStage([]);
    stage.agent.fail({ action: "POST /tasks", with: "status 413" });
    await expect(stage.start().result).rejects.toMatchObject(failure("bytebot_error", /files/));
  });
});
