import type { DaemonAction } from "./daemon-actions.ts";
import { BodyError, type Fields, isFields } from "./request-body.ts";

// What ByteBot's daemon checks of a body. What is missing where it looks for nothing fails later.

type Check = (value: unknown) => string | undefined;

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null ? undefined : check(value);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(String(value)) ? undefined : `must be one of: ${values.join(", ")}`;
const text: Check = (value) => (typeof value === "string" ? undefined : "must be a string");
const number =
  (least: number): Check =>
  (value) =>
    typeof value === "number" && value >= least ? undefined : `must be a number from ${least}`;
const texts: Check = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === "string")
    ? undefined
    : "each value must be a string";
const list: Check = (value) => (Array.isArray(value) ? undefined : "must be an array");

const button = oneOf("left", "right", "middle");
const press = oneOf("up", "down");
const holdKeys = optional(texts);

export const APPLICATIONS = [
  "firefox",
  "1password",
  "thunderbird",
  "vscode",
  "terminal",
  "desktop",
  "directory",
];

const SHAPES: Readonly<Record<DaemonAction, Readonly<Record<string, Check>>>> = {
  move_mouse: {},
  trace_mouse: { path: list, holdKeys },
  click_mouse: { button, clickCount: number(1), holdKeys },
  press_mouse: { button, press },
  drag_mouse: { path: list, button, holdKeys },
  scroll: { direction: oneOf("up", "down", "left", "right"), scrollCount: number(1), holdKeys },
  type_keys: { keys: texts, delay: optional(number(0)) },
  press_keys: { keys: texts, press },
  type_text: { text, delay: optional(number(0)) },
  paste_text: { text },
  wait: { duration: number(0) },
  screenshot: {},
  cursor_position: {},
  application: { application: oneOf(...APPLICATIONS) },
  write_file: { path: text, data: text },
  read_file: { path: text },
};

/** Answers of this length and more never come: writing them takes the process all its time. */
const HANGING_LENGTH = 256 * 1024 * 1024;

/** A refused body: each entry carries the whole input, and of an array every entry the whole array. */
export const SHAPED_ACTIONS: readonly string[] = Object.keys(SHAPES);

export class ShapeError extends BodyError {
  override name = "ShapeError";
  /** undefined: too long to be ever written. */
  readonly entries: readonly unknown[] | undefined;

  constructor(entries: readonly unknown[] | undefined) {
    super(400, "Bad Request");
    this.entries = entries;
  }
}

/** Throws a `ShapeError` where ByteBot answers 400. */
export function checkShape(action: DaemonAction, body: Fields): void {
  const entries: unknown[] = [];
  for (const [property, check] of Object.entries(SHAPES[action])) {
    const message = check(body[property]);
    if (message === undefined) continue;
    const constraints = { [property]: `${property} ${message}` };
    entries.push({ target: body, value: body[property], property, children: [], constraints });
  }
  entries.push(...pointEntry(body, "coordinates", body.coordinates), ...pathEntry(body));
  if (entries.length > 0) throw new ShapeError(entries);
}

function pathEntry(body: Fields): unknown[] {
  const { path } = body;
  if (!Array.isArray(path)) return [];
  const children = path.flatMap((point, index) => pointEntry(path, String(index), point));
  if (children.length === 0) return [];
  if (children.length * JSON.stringify(path).length > HANGING_LENGTH)
    throw new ShapeError(undefined);
  return [{ target: body, value: path, property: "path", children }];
}

function pointEntry(target: unknown, property: string, point: unknown): unknown[] {
  if (point === undefined || point === null) return [];
  const bad = ["x", "y"].filter((axis) => !isFields(point) || typeof point[axis] !== "number");
  if (bad.length === 0) return [];
  const children = bad.map((axis) => ({
    property: axis,
    constraints: { isNumber: `${axis} must be a number` },
  }));
  return [{ target, value: point, property, children }];
}
