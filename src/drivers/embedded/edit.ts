import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { editRequestOf, fileMissing, requireOneMatch } from "../files/edit-request.ts";
import { holdTo } from "../files/file-state.ts";
import { MatchCounter } from "../files/match-counter.ts";
import { requireSize } from "../files/require-size.ts";
import { throwIfAborted } from "../step/aborted.ts";
import { chunksOf, sizeOf } from "./file-bytes.ts";
import { examine } from "./file-state.ts";
import { replaceFile, type Site } from "./write.ts";

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
  if (file === undefined) throw fileMissing(path);
  requireOneMatch(path, matches.count);
  const rest = matches.first + oldText.length;
  requireSize(sizeOf(file) - oldText.length + newText.length, io.maxFileSize, path);
  async function* newContent(source: NonNullable<typeof file>): AsyncGenerator<Uint8Array> {
    yield* chunksOf(source, 0, matches.first, io.signal);
    yield newText;
    yield* chunksOf(source, rest, sizeOf(source), io.signal);
  }
  return await replaceFile(site, path, target, newContent(file), io.signal);
}
