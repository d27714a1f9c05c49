import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { throwIfAborted } from "./aborted.ts";
import { chunksOf, requireSize, sizeOf } from "./file-bytes.ts";
import { examine, holdTo } from "./file-state.ts";
import { MatchCounter } from "./match-counter.ts";
import { bytesOf, text } from "./parameter.ts";
import { replaceFile, type Site } from "./write.ts";

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

/**
 * `fs.edit`: `path, old_text, new_text` → `{path, size, sha256}`; `old_text` must occur exactly once,
 * overlaps counted. The file is replaced as a whole or stays.
 *
 * Throws `text_not_found` saying how often it occurs, `file_not_found`, `state_changed` where `bound`
 * no longer holds, `file_too_large`, `not_a_file`, `path_not_allowed`.
 */
export async function editFile(
  site: Site,
  parameters: Parameters,
  bound: Readonly<Record<string, string>>,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const { path, oldText, newText } = editRequestOf(parameters);
  throwIfAborted(io.signal);
  const matches = new MatchCounter(oldText);
  const see = (chunk: Uint8Array): void => matches.see(chunk);
  using target = await examine(site.root, path, io.maxFileSize, see, io.signal);
  holdTo(bound, path, target);
  const { file } = target;
  if (file === undefined) {
    throw new GatewayError("file_not_found", `${path} does not exist`, {
      hint: "fs.write creates a file.",
    });
  }
  const problem = problemWithMatches(matches.count);
  if (problem !== undefined) {
    throw new GatewayError("text_not_found", `${path}: ${problem}`, {
      hint: "Give old_text exactly as the file has it, with enough around it to occur once.",
    });
  }
  const rest = matches.first + oldText.length;
  requireSize(sizeOf(file) - oldText.length + newText.length, io.maxFileSize, path);
  async function* newContent(source: NonNullable<typeof file>): AsyncGenerator<Uint8Array> {
    yield* chunksOf(source, 0, matches.first, io.signal);
    yield newText;
    yield* chunksOf(source, rest, sizeOf(source), io.signal);
  }
  return await replaceFile(site, path, target, newContent(file), io.signal);
}

/** Why an edit cannot be made, or undefined where the text occurs once. */
export function problemWithMatches(count: number): string | undefined {
  if (count === 1) return undefined;
  return count === 0
    ? "old_text does not occur in it"
    : `old_text occurs ${count} times, and must occur once`;
}
