import { expect, test } from "vitest";
import { png, setStage } from "../../../../test/support/drivers/bytebot/agent/fixtures.ts";
import { failure, ioOf } from "../../../../test/support/drivers/step/fixtures.ts";
import type { AgentBlock, AgentMessage } from "./agent-answers.ts";
import { MAX_EVENTS, MAX_MESSAGES, MessageReporter } from "./message-reporter.ts";
import { MAX_SCREENSHOTS, ScreenshotKeeper } from "./screenshot-keeper.ts";

const LONG = "x".repeat(100_000);

test("an agent that floods fills neither the events nor the result", async () => {
  const flood = Array.from({ length: MAX_EVENTS + 50 }, () => ({ say: LONG }));
  await using stage = await setStage([...flood, { needsHelp: LONG }, { complete: "done" }]);
  const run = stage.start();
  const asked = await run.event("needs_help");
  expect(asked).toMatchObject({ truncated: true });
  expect(asked.question.length).toBeLessThan(5000);
  await run.instruct({ kind: "message", message: "Stop that" });
  const result = await run.result;
  const texts = run.events.filter(({ kind }) => kind === "text");
  expect(texts).toHaveLength(MAX_EVENTS);
  expect(run.events.filter(({ kind }) => kind === "limit")).toEqual([
    { kind: "limit", of: "events" },
  ]);
  expect(JSON.stringify(run.records).length).toBeLessThan(MAX_EVENTS * 5000);
  expect(Math.max(...run.messages.map(({ length }) => length))).toBeLessThan(300);
  const { messages } = result as { messages: { role: string; text: string }[] };
  expect(messages.length).toBeLessThanOrEqual(51);
  expect(messages[0]).toMatchObject({ role: "gateway", text: expect.stringMatching(/left out/) });
  expect(messages.at(-1)).toEqual({ role: "assistant", text: "done" });
  // What an approver tells an agent is not the requester's to read.
  expect(JSON.stringify([result, run.records])).not.toContain("Stop that");
  expect(JSON.stringify(result).length).toBeLessThan(64 * 1024);
});

test("an answer larger than is read ends the task", async () => {
  await using stage = await setStage([]);
  const run = stage.start();
  await run.event("started");
  stage.agent.fail({ action: "GET /tasks/:id/messages", with: "huge_body", bytes: 65 * 1024 ** 2 });
  await expect(run.result).rejects.toMatchObject(failure("bytebot_error", /more than is read/));
  expect((await run.task()).status).toBe("CANCELLED");
});

test("screenshots are kept up to a number, each once", async () => {
  const acts = Array.from({ length: MAX_SCREENSHOTS + 5 }, () => ({
    act: { action: "screenshot" },
  }));
  await using stage = await setStage([...acts, { complete: "done" }]);
  const run = stage.start();
  await run.result;
  expect(run.kept).toHaveLength(MAX_SCREENSHOTS);
  expect(run.events.filter(({ kind }) => kind === "limit")).toEqual([
    { kind: "limit", of: "screenshots" },
  ]);
});

test("the same picture, what is too large and what is no picture are left out", async () => {
  const io = ioOf({ maxFileSize: 1000 });
  const keeper = new ScreenshotKeeper(io);
  expect(await keeper.keep(png(1))).toEqual({ artifactId: "artifact_1" });
  expect(await keeper.keep(png(1))).toBeUndefined();
  expect(await keeper.keep(Buffer.alloc(2000).toString("base64"))).toBeUndefined();
  expect(await keeper.keep(Buffer.from("<svg onload=1>").toString("base64"))).toBeUndefined();
  expect(await keeper.keep("%%%")).toBeUndefined();
  expect(io.kept).toHaveLength(1);
});

test("an agent that never stops writing is stopped", async () => {
  const reporter = new MessageReporter(ioOf(), "work");
  const messages = Array.from({ length: MAX_MESSAGES }, (_, index) => message(`m${index}`));
  await reporter.report(messages);
  await reporter.report(messages);
  await expect(reporter.report([message("last")])).rejects.toMatchObject(
    failure("bytebot_error", /more than can be followed/),
  );
});

test("what is invisible or misleading is made visible", async () => {
  const io = ioOf();
  const reporter = new MessageReporter(io, "work");
  const use = { kind: "tool_use", id: "1", tool: "x\u0000\u202E", input: {} } as const;
  await reporter.report([message("a", { kind: "text", text: "\u202Eab\nc\u0007" }, use)]);
  const hidden = /[^\P{C}\n]/u;
  expect("\u0007").toMatch(hidden);
  for (const { event } of io.records as { event: { message: string; agent: object } }[]) {
    expect(event.message).not.toMatch(hidden);
    expect(event.message).not.toContain("\n");
    for (const text of Object.values(event.agent)) expect(String(text)).not.toMatch(hidden);
  }
  expect(JSON.stringify(reporter.transcript.messages())).toContain("⟦U+202E⟧");
});

test("what a person did in ByteBot while the desktop was theirs is not the agent's", async () => {
  const io = ioOf();
  const reporter = new MessageReporter(io, "work");
  const use = { kind: "tool_use", id: "1", tool: "computer_click_mouse", input: {} } as const;
  const done = { kind: "tool_result", toolUseId: "1", isError: false } as const;
  await reporter.report([{ id: "a", role: "user", blocks: [use, done] }]);
  expect(io.records).toEqual([]);
  expect(reporter.performed).toBe(0);
});

function message(id: string, ...blocks: AgentBlock[]): AgentMessage {
  return { id, role: "assistant", blocks };
}
