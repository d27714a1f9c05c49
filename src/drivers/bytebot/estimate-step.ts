import type { Parameters } from "../../contract/task.ts";
import type { DaemonRequest } from "../../tasks/agent-guard.ts";
import type { PlannedStep } from "../../tasks/task.ts";
import { type Inputs, traitsOf } from "./daemon-actions.ts";

/** The longest request that a step makes. */
const REQUESTS: Readonly<Record<string, (parameters: Parameters) => DaemonRequest>> = {
  "mouse.move": () => ({ action: "move_mouse" }),
  "mouse.click": ({ click_count, hold_keys }) => ({
    action: "click_mouse",
    clickCount: click_count,
    holdKeys: hold_keys,
  }),
  "mouse.press": () => ({ action: "press_mouse" }),
  "mouse.drag": ({ path, hold_keys }) => ({ action: "drag_mouse", path, holdKeys: hold_keys }),
  "mouse.trace": ({ path, hold_keys }) => ({ action: "trace_mouse", path, holdKeys: hold_keys }),
  "mouse.scroll": ({ scroll_count, hold_keys }) => ({
    action: "scroll",
    scrollCount: scroll_count,
    holdKeys: hold_keys,
  }),
  "keyboard.type": ({ text }) => ({ action: "type_text", text }),
  "keyboard.paste": () => ({ action: "paste_text" }),
  "keyboard.chord": () => ({ action: "type_keys" }),
  "keyboard.press": ({ keys }) => ({ action: "press_keys", keys }),
  "app.open": () => ({ action: "application" }),
  "browser.open": () => ({ action: "application" }),
  "fs.write": () => ({ action: "write_file" }),
  "fs.edit": () => ({ action: "write_file" }),
  "agent.task": () => ({ action: "wait", duration: 1000 }),
};

/**
 * Of a step that was under way: ms that something it has sent may still go on, 0 for what only looks,
 * and what it may have left held.
 */
export function estimateStep({ action, parameters }: PlannedStep): {
  readonly durationMs: number;
  readonly presses: Inputs;
} {
  const request = Object.hasOwn(REQUESTS, action) ? REQUESTS[action] : undefined;
  if (request === undefined) return { durationMs: 0, presses: { keys: [], buttons: [] } };
  return traitsOf(request(parameters));
}
