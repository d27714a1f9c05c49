import type { Parameters } from "../contract/task.ts";
import { isTypeable } from "../lib/daemon-input.ts";
import type { DaemonRequest } from "../tasks/agent-guard.ts";
import type { AgentAction } from "./translate.ts";

/**
 * The request to the daemon, made anew from checked parameters. Keys keep the X11 names they have
 * here: the daemon knows every one of them.
 */
export function daemonRequest({ capability, parameters }: AgentAction): DaemonRequest {
  const rebuild = REBUILD[capability.action];
  if (rebuild === undefined) throw new Error(`${capability.action} is nothing the daemon does`);
  const fields = Object.entries(rebuild(parameters)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as DaemonRequest;
}

const REBUILD: Readonly<Record<string, (parameters: Parameters) => DaemonRequest>> = {
  "mouse.move": ({ coordinates }) => ({ action: "move_mouse", coordinates }),
  "mouse.trace": ({ path, hold_keys }) => ({ action: "trace_mouse", path, holdKeys: hold_keys }),
  "mouse.click": ({ button, click_count, coordinates, hold_keys }) => ({
    action: "click_mouse",
    button,
    clickCount: click_count,
    coordinates,
    holdKeys: hold_keys,
  }),
  "mouse.press": ({ button, press, coordinates }) => ({
    action: "press_mouse",
    button,
    press,
    coordinates,
  }),
  "mouse.drag": ({ path, button, hold_keys }) => ({
    action: "drag_mouse",
    path,
    button,
    holdKeys: hold_keys,
  }),
  "mouse.scroll": ({ direction, scroll_count, coordinates, hold_keys }) => ({
    action: "scroll",
    direction,
    scrollCount: scroll_count,
    coordinates,
    holdKeys: hold_keys,
  }),
  "keyboard.chord": ({ keys }) => ({ action: "type_keys", keys }),
  "keyboard.press": ({ keys, press }) => ({ action: "press_keys", keys, press }),
  "keyboard.type": ({ text }) => ({
    action: isTypeable(String(text)) ? "type_text" : "paste_text",
    text,
  }),
  "keyboard.paste": ({ text }) => ({ action: "paste_text", text }),
  wait: ({ duration_ms }) => ({ action: "wait", duration: duration_ms }),
  "screen.capture": () => ({ action: "screenshot" }),
  "screen.cursor": () => ({ action: "cursor_position" }),
  "app.open": ({ application }) => ({ action: "application", application }),
  "fs.write": ({ path, content }) => ({ action: "write_file", path, data: content }),
  "fs.read": ({ path }) => ({ action: "read_file", path }),
};
