import { shortLine } from "./agent-event.ts";

type Input = Readonly<Record<string, unknown>>;

const MAX_NAME = 60;

/**
 * What the agent is about to do, in a few words. What it types, pastes or writes may be a secret and
 * keys may spell one, so only their number is told.
 */
export function describeTool(tool: string, input: Input): string {
  const describe = Object.hasOwn(TOOLS, tool) ? TOOLS[tool] : undefined;
  return describe?.(input) ?? `uses ${shortLine(tool, MAX_NAME)}`;
}

const TOOLS: Readonly<Record<string, (input: Input) => string>> = {
  computer_move_mouse: (input) => `moves the pointer${place(input)}`,
  computer_trace_mouse: (input) => `moves the pointer along ${amount(input.path, "point")}`,
  computer_click_mouse: (input) => `clicks${word(input.button)}${place(input)}`,
  computer_press_mouse: (input) => `presses or releases a button${place(input)}`,
  computer_drag_mouse: (input) => `drags along ${amount(input.path, "point")}`,
  computer_scroll: (input) => `scrolls${word(input.direction)}${place(input)}`,
  computer_type_keys: (input) => `presses ${amount(input.keys, "key")} together`,
  computer_press_keys: (input) => `presses or releases ${amount(input.keys, "key")}`,
  computer_type_text: (input) => `types ${amount(input.text, "character")}`,
  computer_paste_text: (input) => `pastes ${amount(input.text, "character")}`,
  computer_wait: () => "waits",
  computer_screenshot: () => "looks at the screen",
  computer_cursor_position: () => "asks where the pointer is",
  computer_application: (input) => `opens${word(input.application)}`,
  computer_read_file: (input) => `reads a file${path(input)}`,
  computer_write_file: (input) => `writes a file${path(input)}`,
  set_task_status: (input) => `has its task as${word(input.status)}`,
  create_task: () => "wants another task, which the gateway lets do nothing",
};

function place({ coordinates }: Input): string {
  if (typeof coordinates !== "object" || coordinates === null) return "";
  const { x, y } = coordinates as Input;
  return typeof x === "number" && typeof y === "number" ? ` at ${x}, ${y}` : "";
}

function path({ path: name }: Input): string {
  return typeof name === "string" ? `: ${shortLine(name)}` : "";
}

function word(value: unknown): string {
  return typeof value === "string" && value !== "" ? ` ${shortLine(value, MAX_NAME)}` : "";
}

function amount(value: unknown, noun: string): string {
  const { length } = typeof value === "string" || Array.isArray(value) ? value : [];
  return `${length} ${noun}${length === 1 ? "" : "s"}`;
}
