import type { Parameters } from "../../contract/task.ts";
import type { Inspection } from "../../tasks/driver.ts";
import { type Change, MAX_COMPARED, previewChange, previewFailure } from "./change-preview.ts";
import { editRequestOf, problemWithMatches } from "./edit-request.ts";
import { bindingOf, type Examined } from "./file-state.ts";
import { MatchCounter } from "./match-counter.ts";
import { requireSize } from "./require-size.ts";
import { type WriteRequest, writeRequestOf } from "./write-request.ts";

/** Looks at a file without an effect; each chunk of its content goes to `see`. Never rejects. */
export type Examine = (path: string, see: (chunk: Uint8Array) => void) => Promise<Examined>;

const NOTHING = new Uint8Array();

/**
 * What `fs.write` would do: binds the file's hash, shows the diff. What stands in the way (the file
 * exists in mode create, a link, a directory, a file over the limit) is a note in the preview, never
 * an error: a requester must not learn it without the person who may see it.
 */
export async function inspectWrite(
  examine: Examine,
  parameters: Parameters,
  maxFileSize: number,
): Promise<Inspection> {
  const request = writeRequestOf(parameters);
  const { path, mode, content } = request;
  requireSize(content.length, maxFileSize, path);
  const beginning = new Beginning();
  const target = await examine(path, (chunk) => beginning.see(chunk));
  const isThere = target.size !== undefined;
  const size = mode === "append" ? (target.size ?? 0) : 0;
  const problem =
    target.problem?.detail ??
    (mode === "create" && isThere ? "the file exists, mode is create" : undefined) ??
    problemWithSize(size + content.length, maxFileSize);
  const riskFactors = raisesFor(target);
  if (mode === "overwrite" && isThere) riskFactors.push("overwrites an existing file");
  return {
    bound: { [bindingOf(path)]: target.state },
    riskFactors,
    preview:
      problem === undefined
        ? previewChange(changeOfWrite(request, target, beginning))
        : previewFailure(path, problem),
  };
}

/** What `fs.edit` would do; see `inspectWrite`. */
export async function inspectEdit(
  examine: Examine,
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
  const target = await examine(path, see);
  const size = target.size ?? 0;
  const problem =
    target.problem?.detail ??
    (target.size === undefined ? "the file does not exist" : problemWithMatches(matches.count)) ??
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
    riskFactors: raisesFor(target),
    preview: problem === undefined ? previewChange(change) : previewFailure(path, problem),
  };
}

function changeOfWrite(
  { path, mode, content }: WriteRequest,
  target: Examined,
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

function beforeOf({ size, state }: Examined): Change["before"] {
  return size === undefined ? "absent" : { size, hash: state };
}

function raisesFor({ isExecutable }: Examined): string[] {
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
