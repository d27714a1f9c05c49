import type { LiveEvent } from "../live/live-events.ts";

export interface AgentState {
  /** What the agent asked last, until it goes on. */
  readonly question: string | undefined;
  /** A person has the desktop. */
  readonly taken: boolean;
}

/** What the events of an agent's task come to. */
export function agentState(events: readonly LiveEvent[]): AgentState {
  let question: string | undefined;
  let taken = false;
  for (const { agent } of events) {
    if (typeof agent !== "object" || agent === null || !("kind" in agent)) continue;
    if (agent.kind === "needs_help") {
      question = "question" in agent ? String(agent.question) : "";
    } else if (agent.kind === "control") {
      taken = "holder" in agent && agent.holder === "user";
    } else if (agent.kind === "text" || agent.kind === "tool_use") {
      question = undefined;
    }
  }
  return { question, taken };
}
