import type { Parameters } from "../../contract/task.ts";
import type { Inspection } from "../../tasks/driver.ts";
import { type Change, MAX_COMPARED, previewChange, previewFailure } from "./change-preview.ts";
import { editRequestOf, problemWithMatches } from "./edit.ts";
import { requireSize, sizeOf } from "./file-bytes.ts";
import { bindingOf, examine, type Target } from "./file-state.ts";
import { MatchCounter } from "./match-counter.ts";
import { type Site, type WriteRequest, writeRequestOf } from "./write.ts";

const EXECUTABLE = 0o111n;
const NOTHING = new Uint8Array();

/**
 * What `fs.write` would do: binds the file's hash, shows the diff. What stands in the way (the file
 * exists in mode create, a link, a directory, a file over the limit) is a note in the preview, never
 * an error: a requester must not learn it without the person who may see it.
 */
export async function inspectWrite(
  site: Site,
  parameters: Parameters,
  maxFileSize: number,
): Promise<Inspection> {
  const request = writeRequestOf(parameters);
  const { path, mode, content } = request;
  requireSize(content.length, maxFileSize, path);
  const beginning = new Beginning();
  using target = await examine(site.root, path, maxFileSize, (chunk) => beginning.see(chunk));
  const { file, state } = target;
  const size = mode === "append" && file !== undefined ? sizeOf(file) : 0;
  const problem =
    target.problem?.detail ??
    (mode === "create" && file !== undefined ? "the file exists, mode is create" : undefined) ??
    problemWithSize(size + content.length, maxFileSize);
  const raises = raisesFor(target);
  if (mode === "overwrite" && file !== undefined) raises.push("overwrites an existing file");
  return {
    bound: { [bindingOf(path)]: state },
    raises,
    preview:
      problem === undefined
        ? previewChange(changeOfWrite(request, target, beginning))
        : previewFailure(path, problem),
  };
}

/** What `fs.edit` would do; see `inspectWrite`. */
export async function inspectEdit(
  site: Site,
  parameters: Parameters,
  maxFileSize: number,
): Promise<Inspection> {
  const { path, oldText, newText } = editRequestOf(parameters);
  const matches = new MatchCounter(oldText);
  const beginning = new Beginning();
  const see = (chunk: Uint8Array): void => {
    matches.see(chunk);
    beginning.see(chunk);
  };
  using target = await examine(site.root, path, maxFileSize, see);
  const size = target.file === undefined ? 0 : sizeOf(target.file);
  const problem =
    target.problem?.detail ??
    (target.file === undefined ? "the file does not exist" : problemWithMatches(matches.count)) ??
    problemWithSize(size - oldText.length + newText.length, maxFileSize);
  const change: Change = {
    path,
    before: beforeOf(target),
    old: beginning.whole,
    apply: (old) =>
      Buffer.concat([
        old.subarray(0, matches.first),
        newText,
        old.subarray(matches.first + oldText.length),
      ]),
    removed: oldText,
    added: newText,
  };
  return {
    bound: { [bindingOf(path)]: target.state },
    raises: raisesFor(target),
    preview: problem === undefined ? previewChange(change) : previewFailure(path, problem),
  };
}

function changeOfWrite(
  { path, mode, content }: WriteRequest,
  target: Target,
  beginning: Beginning,
): Change {
  const isAppended = mode === "append";
  return {
    path,
    before: beforeOf(target),
    old: beginning.whole,
    apply: (old) => (isAppended ? Buffer.concat([old, content]) : content),
    removed: isAppended ? NOTHING : "all",
    added: content,
  };
}

function beforeOf({ file, state }: Target): Change["before"] {
  return file === undefined ? "absent" : { size: sizeOf(file), hash: state };
}

function raisesFor({ file }: Target): string[] {
  const isExecutable = file !== undefined && (file.stats.mode & EXECUTABLE) !== 0n;
  return isExecutable ? ["the file is executable"] : [];
}

function problemWithSize(size: number, maxFileSize: number): string | undefined {
  if (size <= maxFileSize) return undefined;
  return `the file would have ${size} bytes, more than the ${maxFileSize} allowed`;
}

/** Keeps a stream as long as it is small enough to compare. */
class Beginning {
  #chunks: Uint8Array[] = [];
  #length = 0;

  see(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length <= MAX_COMPARED) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** undefined: it was larger. */
  get whole(): Uint8Array | undefined {
    return this.#length <= MAX_COMPARED ? Buffer.concat(this.#chunks) : undefined;
  }
}
