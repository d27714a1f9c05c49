import { makeVisible, oneLine } from "../../../lib/inert.ts";

/**
 * What a `task_progress` event of an agent's task carries as `agent`, besides its `message` for
 * people. Everything in it comes from the agent or its model: inert text, bounded, never to be
 * trusted. `role` is `assistant` for the agent and `user` for whoever speaks to it.
 */
export type AgentEvent =
  /** The agent's task exists, under `task` in ByteBot. */
  | { readonly kind: "started"; readonly task: string; readonly model: string }
  /** `truncated`: there was more. */
  | {
      readonly kind: "text";
      readonly role: "user" | "assistant";
      readonly text: string;
      readonly truncated: boolean;
    }
  /** What it is about to do; its text, keys and contents are not in the summary. */
  | { readonly kind: "tool_use"; readonly tool: string; readonly summary: string }
  /** What it tried has failed, or was refused. */
  | { readonly kind: "tool_error"; readonly tool: string }
  | { readonly kind: "screenshot"; readonly artifact_id: string }
  /** It waits for POST /tasks/{task_id}/messages. */
  | { readonly kind: "needs_help"; readonly question: string; readonly truncated: boolean }
  /** Who has the desktop now. */
  | { readonly kind: "control"; readonly holder: "user" | "assistant" }
  /** From now on events of this kind are left out. */
  | { readonly kind: "limit"; readonly of: "events" | "screenshots" };

const MAX_TEXT = 4000;
const MAX_LINE = 200;

/** Text for people: inert, at most MAX_TEXT characters. */
export function inertText(text: string): { text: string; truncated: boolean } {
  const truncated = text.length > MAX_TEXT;
  const kept = truncated ? text.slice(0, MAX_TEXT).replace(/[\uD800-\uDBFF]$/, "") : text;
  return { text: makeVisible(kept, { multiline: true }), truncated };
}

/** Text in a line of its own, inert and short. */
export function shortLine(text: string, max = MAX_LINE): string {
  // What is cut off is never looked at: a text may be megabytes long.
  const line = text
    .slice(0, max * 4)
    .replace(/\s+/g, " ")
    .trim();
  return oneLine(line, max);
}
