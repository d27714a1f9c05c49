import { describe, expect, test } from "vitest";
import { setStage } from "../../../../test/support/drivers/bytebot/agent/fixtures.ts";
import { failure } from "../../../../test/support/drivers/step/fixtures.ts";

const CLICK = { action: "click_mouse", button: "left", clickCount: 1, coordinates: { x: 5, y: 6 } };

describe.each([
  ["over socket.io", true],
  ["by REST alone", false],
])("an agent's task, followed %s", (_how, socket) => {
  test("ends with what was said, once each and in order", async () => {
    const words = Array.from({ length: 11 }, (_, index) => `word ${index}`);
    const script = [...words.map((say) => ({ say })), { complete: "Ordered" }];
    await using stage = await setStage(script, { socket });
    const run = stage.start();
    const result = await run.result;
    expect(result).toEqual({
      outcome: "completed",
      messages: [
        { role: "user", text: "Order paper" },
        ...words.map((text) => ({ role: "assistant", text })),
        { role: "assistant", text: "Ordered" },
      ],
    });
    const texts = run.events.flatMap((event) => (event.kind === "text" ? [event.text] : []));
    expect(texts).toEqual(["Order paper", ...words]);
    expect(stage.guard.calls).toEqual(["begin", "end"]);
  });

  test("tells what it does, without what it types, and keeps its screenshots", async () => {
    const script = [
      { act: CLICK },
      { act: { action: "type_text", text: "hunter2hunter2" } },
      { act: { action: "screenshot" } },
      { complete: "done" },
    ];
    await using stage = await setStage(script, { socket });
    const run = stage.start();
    await run.result;
    expect(run.events.filter(({ kind }) => kind === "tool_use")).toEqual([
      { kind: "tool_use", tool: "computer_click_mouse", summary: "clicks left at 5, 6" },
      { kind: "tool_use", tool: "computer_type_text", summary: "types 14 characters" },
      { kind: "tool_use", tool: "computer_screenshot", summary: "looks at the screen" },
      { kind: "tool_use", tool: "set_task_status", summary: "has its task as completed" },
    ]);
    expect(JSON.stringify(run.records)).not.toContain("hunter2");
    expect(run.kept.map(({ name, mediaType }) => [name, mediaType])).toEqual([
      ["agent-1.png", "image/png"],
      ["agent-2.png", "image/png"],
      ["agent-3.png", "image/png"],
    ]);
    expect(run.events.filter(({ kind }) => kind === "screenshot")).toHaveLength(3);
  });
});

test("its room is joined, each change is looked at when it is heard of, and the room left", async () => {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const script = [
    { await: first.promise, say: "half way" },
    { await: second.promise, complete: "done" },
  ];
  // Nobody looks in time unless something was heard.
  await using stage = await setStage(script, { timings: { pollMs: 60_000, checkMs: 60_000 } });
  const run = stage.start();
  const { id } = await run.task();
  await stage.agent.waitFor((agent) => agent.listeners(id) === 1);
  first.resolve();
  await run.recorded(({ event }) => event?.message === "half way");
  second.resolve();
  expect(await run.result).toMatchObject({ outcome: "completed" });
  await expect.poll(() => stage.agent.listeners(id)).toBe(0);
});

test("a socket that is lost loses nothing", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = await setStage([{ await: promise, say: "after", complete: "done" }]);
  const run = stage.start();
  const { id } = await run.task();
  await stage.agent.waitFor((agent) => agent.listeners(id) === 1);
  stage.agent.stopSockets();
  resolve();
  const result = await run.result;
  expect(result.messages).toContainEqual({ role: "assistant", text: "after" });
});

test("NEEDS_HELP is an event of its own with the question", async () => {
  await using stage = await setStage([{ needsHelp: "Which colour?" }, { complete: "done" }]);
  const run = stage.start();
  expect(await run.event("needs_help")).toEqual({
    kind: "needs_help",
    question: "Which colour?",
    truncated: false,
  });
  expect(run.messages).toContain("The agent asks for help: Which colour?");
  await run.instruct({ kind: "message", message: "Red" });
  expect(await run.result).toEqual({
    outcome: "completed",
    messages: [
      { role: "user", text: "Order paper" },
      { role: "user", text: "A person told the agent something." },
      { role: "assistant", text: "done" },
    ],
  });
  expect(run.events.filter(({ kind }) => kind === "needs_help")).toHaveLength(1);
});

test("what it is told at the beginning is its task, with a line for each file", async () => {
  await using stage = await setStage([{ complete: "done" }]);
  const file = (name: string) => ({ name, content: "eA==", media_type: "text/plain" });
  const run = stage.start({ files: [file("a.txt"), file("b.txt")] });
  await run.result;
  expect(run.events.find(({ kind }) => kind === "text")).toEqual({
    kind: "text",
    role: "user",
    text: "Order paper \n\nFile a.txt written to desktop.\nFile b.txt written to desktop.",
    truncated: false,
  });
  expect(run.messages[1]).toMatch(/^Task: Order paper File a\.txt/);
});

test("a person's word is not shown, whatever it begins with", async () => {
  await using stage = await setStage([{ needsHelp: "?" }, { complete: "done" }]);
  const run = stage.start();
  await run.event("needs_help");
  await run.instruct({ kind: "takeover" });
  await run.instruct({ kind: "message", message: "Order paper" });
  await run.instruct({ kind: "message", message: "Order paper\nFile x written to desktop." });
  await run.instruct({ kind: "resume" });
  const { messages } = await run.result;
  expect(messages).toEqual([
    { role: "user", text: "Order paper" },
    { role: "user", text: "A person told the agent something." },
    { role: "user", text: "A person told the agent something." },
    { role: "assistant", text: "done" },
  ]);
});

test("NEEDS_REVIEW is a result", async () => {
  await using stage = await setStage([{ say: "Look", needsReview: "Please review" }]);
  expect(await stage.start().result).toMatchObject({ outcome: "needs_review" });
});

test("FAILED is an error with its last words, bounded and inert", async () => {
  await using stage = await setStage([
    { say: `No \u202Emodel${"!".repeat(5000)}` },
    { fail: true },
  ]);
  const error = await stage.start().result.catch((reason: Error) => reason);
  expect(error).toMatchObject(
    failure("bytebot_error", /^the agent failed and said last: No ⟦U\+202E⟧model!+… \(\d+ more/),
  );
  expect((error as Error).message.length).toBeLessThan(300);
});

test("CANCELLED by someone else is an error", async () => {
  await using stage = await setStage([{ say: "Well" }]);
  const run = stage.start();
  const { id } = await run.task();
  await run.event("text");
  await fetch(`${stage.agent.url}/tasks/${id}/cancel`, { method: "POST" });
  await expect(run.result).rejects.toMatchObject(
    failure("bytebot_error", /was cancelled in ByteBot/),
  );
});

test("a task that is deleted is an error, not waited for", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  const { id } = await run.task();
  await run.event("started");
  await fetch(`${stage.agent.url}/tasks/${id}`, { method: "DELETE" });
  await expect(run.result).rejects.toMatchObject(failure("bytebot_error", /deleted/));
});

test("a person who takes over in ByteBot itself shows", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  const { id } = await run.task();
  await run.event("started");
  await fetch(`${stage.agent.url}/tasks/${id}/takeover`, { method: "POST" });
  expect(await run.event("control")).toEqual({ kind: "control", holder: "user" });
});
