import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { GuardedAgent } from "./guarded-agent.ts";

const type = (text: string) => ({ act: { action: "type_text", text } });

/** People and ByteBot's agent, which goes on by itself where one thinks that it was stopped. */
describe("a person", () => {
  let bytebot: GuardedAgent;
  beforeAll(async () => {
    bytebot = await GuardedAgent.start();
  });
  afterAll(() => bytebot[Symbol.asyncDispose]());

  const post = async (target: string, body: unknown = {}) => {
    const { approver } = bytebot.gateway.keys;
    return (await call(bytebot.gateway, "POST", target, body, approver)).status;
  };

  test("who takes over while a tool runs gives back an agent that does everything once", async () => {
    const { daemon, agent } = bytebot;
    const before = daemon.typed.length;
    const fault = daemon.fail({ action: "type_text", with: "hang_after_effect" });
    const task = await bytebot.begin([type("1"), type("2"), type("3"), { complete: "done" }]);
    await fault.hit;
    expect(await post(`/tasks/${task.id}/takeover`)).toBe(200);
    fault.release();
    // Its loop goes on: a picture after what it did, and then the next action.
    await daemon.waitFor(({ idle }) => idle);
    expect(daemon.typed.slice(before)).toBe("1");
    expect(await post(`/tasks/${task.id}/resume`)).toBe(200);
    expect(await task.finished()).toMatchObject({ status: "completed" });
    await agent.waitFor(({ isProcessing }) => !isProcessing);
    expect(daemon.typed.slice(before)).toBe("123");
    expect(bytebot.results(task.agentTaskId).map(({ is_error }) => is_error)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("who answers what the agent asked makes it go on", async () => {
    const before = bytebot.daemon.typed.length;
    const task = await bytebot.begin([{ needsHelp: "Which?" }, type("4"), { complete: "done" }]);
    await using events = await openEvents(bytebot.gateway, { query: `task_id=${task.id}&since=0` });
    while (kindOf((await events.next()).agent) !== "needs_help");
    expect(await post(`/tasks/${task.id}/messages`, { message: "This one" })).toBe(200);
    expect(await task.finished()).toMatchObject({ status: "completed" });
    expect(bytebot.daemon.typed.slice(before)).toBe("4");
    expect(events.seen.map(({ agent }) => kindOf(agent))).not.toContain("control");
  });

  test("who takes over from an agent that asks is not overtaken by an answer", async () => {
    const before = bytebot.daemon.typed.length;
    const task = await bytebot.begin([{ needsHelp: "Which?" }, type("5"), { complete: "done" }]);
    await bytebot.agent.waitFor(({ isProcessing }) => !isProcessing);
    expect(await post(`/tasks/${task.id}/takeover`)).toBe(200);
    expect(await post(`/tasks/${task.id}/messages`, { message: "I do it" })).toBe(200);
    expect(bytebot.agent.isProcessing).toBe(false);
    expect(await post(`/tasks/${task.id}/resume`)).toBe(200);
    expect(await task.finished()).toMatchObject({ status: "completed" });
    expect(bytebot.daemon.typed.slice(before)).toBe("5");
  });
});

const kindOf = (agent: unknown): unknown =>
  typeof agent === "object" && agent !== null && "kind" in agent ? agent.kind : undefined;
