import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import { bytesOf, text } from "../step/parameter.ts";

export interface EditRequest {
  readonly path: string;
  readonly oldText: Uint8Array;
  readonly newText: Uint8Array;
}

export function editRequestOf(parameters: Parameters): EditRequest {
  const oldText = bytesOf(text(parameters, "old_text"), "utf8", "old_text");
  if (oldText.length === 0) {
    throw new GatewayError("invalid_request", "old_text is empty, which matches everywhere", {
      hint: "Give the text to replace, with enough around it to occur once.",
    });
  }
  const newText = bytesOf(text(parameters, "new_text"), "utf8", "new_text");
  return { path: text(parameters, "path"), oldText, newText };
}

/** Why an edit cannot be made, or undefined where the text occurs once. */
export function problemWithMatches(count: number): string | undefined {
  if (count === 1) return undefined;
  return count === 0
    ? "old_text does not occur in it"
    : `old_text occurs ${count} times, and must occur once`;
}

/** Throws `text_not_found` saying how often the text occurs, unless that is once. */
export function requireOneMatch(path: string, count: number): void {
  const problem = problemWithMatches(count);
  if (problem === undefined) return;
  throw new GatewayError("text_not_found", `${path}: ${problem}`, {
    hint: "Give old_text exactly as the file has it, with enough around it to occur once.",
  });
}

export function fileMissing(path: string): GatewayError {
  return new GatewayError("file_not_found", `${path} does not exist`, {
    hint: "fs.write creates a file.",
  });
}
