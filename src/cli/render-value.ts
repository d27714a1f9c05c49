import { displayWidth, inert, inertBlock, wrap } from "./inert-text.ts";
import type { Paint } from "./shell.ts";

export interface Canvas {
  readonly paint: Paint;
  /** Columns a line may take. */
  readonly width: number;
  /** How the program was called, for the commands it suggests. */
  readonly program?: string;
}

/** `name` and its value, under each other where the value takes several lines. Nothing is cut. */
export function renderField(
  name: string,
  value: unknown,
  indent: string,
  canvas: Canvas,
): string[] {
  const { paint, width } = canvas;
  const label = `${indent}${paint("cyan", inert(name))}`;
  const room = width - indent.length - 2;
  if (typeof value === "string" && value.includes("\n")) {
    const size = Buffer.byteLength(value);
    const note = paint("dim", `text, ${size} ${size === 1 ? "byte" : "bytes"}`);
    return [`${label}  ${note}`, ...indented(inertBlock(value, room), `${indent}  `)];
  }
  if (isTextList(value)) {
    const items = value.flatMap((item, index) => {
      const mark = `[${index}] `;
      const [first = "", ...rest] = wrap(listItem(item), room - mark.length);
      return [
        `${paint("dim", mark)}${first}`,
        ...rest.map((part) => `${" ".repeat(mark.length - 2)}┊ ${part}`),
      ];
    });
    const count = `${value.length} ${value.length === 1 ? "item" : "items"}`;
    return [`${label}  ${paint("dim", count)}`, ...indented(items, `${indent}  `)];
  }
  const text = inert(scalar(value));
  if (displayWidth(inert(name)) + displayWidth(text) + 2 <= width - indent.length) {
    return [`${label}  ${text}`];
  }
  const lines = typeof value === "string" ? [text] : JSON.stringify(value, null, 2).split("\n");
  const block = lines.flatMap((line) => wrapped(line, room));
  return [label, ...indented(block, `${indent}  `)];
}

/** A text as itself, anything else as JSON; an empty text or one with odd edges in quotes. */
function scalar(value: unknown): string {
  if (typeof value === "string") return /^$|^["\s]|\s$/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value) ?? String(value);
}

/** An argument stands bare where that is clear, else in JSON's quotes. */
function listItem(item: string): string {
  return inert(/^$|^["\s]|\s$|\n/.test(item) ? JSON.stringify(item) : item);
}

function wrapped(line: string, width: number): string[] {
  return wrap(inert(line), width - 2).map((part, index) => `${index === 0 ? "│" : "┊"} ${part}`);
}

function isTextList(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string")
  );
}

export function indented(lines: readonly string[], indent: string): string[] {
  return lines.map((line) => indent + line);
}
