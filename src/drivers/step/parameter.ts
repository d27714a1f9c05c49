import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";

/**
 * Parameters were checked against their capability's schema when they were planned; what is still
 * wrong here is a plan of another version, and is refused rather than guessed at.
 */
export function text(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (typeof value === "string") return value;
  throw wrongType(name, "a string");
}

export function textList(parameters: Parameters, name: string): string[] {
  const value = parameters[name];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw wrongType(name, "a list of strings");
}

/** A whole number from 0, or undefined where it is absent. */
export function integer(parameters: Parameters, name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrongType(name, "a whole number, 0 or more");
}

/** One of a few words; the first is the default. */
export function oneOf<const T extends string>(
  parameters: Parameters,
  name: string,
  words: readonly [T, ...T[]],
): T {
  const value = parameters[name] ?? words[0];
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  throw wrongType(name, `one of ${words.join(", ")}`);
}

/** Text or base64 as bytes, without anything silently altered. */
export function bytesOf(content: string, encoding: "utf8" | "base64", name: string): Buffer {
  if (encoding === "utf8") {
    if (content.isWellFormed()) return Buffer.from(content, "utf8");
    throw wrongType(name, "well-formed text: it holds a lone surrogate");
  }
  const bytes = Buffer.from(content, "base64");
  if (bytes.toString("base64") === content) return bytes;
  throw wrongType(name, "base64 (RFC 4648, section 4, with padding)");
}

function wrongType(name: string, expected: string): GatewayError {
  return new GatewayError("invalid_request", `${name} must be ${expected}`, {
    hint: "GET /capabilities has the schema of every action's parameters.",
  });
}
