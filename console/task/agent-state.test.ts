import { expect, it } from "vitest";
import type { LiveEvent } from "../live/live-events.ts";
import { agentState } from "./agent-state.ts";

const said = (agent: unknown): LiveEvent => ({
  id: 1,
  event: "task_progress",
  task_id: "t",
  timestamp: "",
  agent,
});
const ASKS = said({ kind: "needs_help", question: "Which file?", truncated: false });

it("knows what the agent asked, until it goes on", () => {
  expect(agentState([]).question).toBeUndefined();
  expect(agentState([ASKS]).question).toBe("Which file?");
  const goesOn = said({ kind: "tool_use", tool: "click", summary: "clicks" });
  expect(agentState([ASKS, goesOn]).question).toBeUndefined();
});

it("knows who has the desktop", () => {
  const user = said({ kind: "control", holder: "user" });
  const assistant = said({ kind: "control", holder: "assistant" });
  expect([agentState([user]).taken, agentState([user, assistant]).taken]).toEqual([true, false]);
  expect(agentState([said(null), said("x"), said({})])).toEqual({
    question: undefined,
    taken: false,
  });
});
