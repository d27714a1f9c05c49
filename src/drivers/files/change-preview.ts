import type { Preview } from "../../contract/task.ts";
import { sha256 } from "../../lib/canonical.ts";
import { excerptDiff, unifiedDiff } from "./unified-diff.ts";

/** Contents up to this are compared as a whole; bytes. */
export const MAX_COMPARED = 256 * 1024;

/** What a step would do to a file's content. */
export interface Change {
  readonly path: string;
  /** What is there: nothing, or so many bytes of this hash. */
  readonly before: "absent" | { readonly size: number; readonly hash: string };
  /** The old content; undefined where it is larger than MAX_COMPARED. */
  readonly old: Uint8Array | undefined;
  /** The content that old content becomes. */
  apply(old: Uint8Array): Uint8Array;
  /** The part that goes and the part that comes: what is shown of a file too large for more. */
  readonly removed: Uint8Array | "all";
  readonly added: Uint8Array;
}

/** The preview of a change: a diff where both sides are text, else a note with sizes and hashes. */
export function previewChange(change: Change): Preview {
  const after = change.old === undefined ? undefined : change.apply(change.old);
  return change.old === undefined || after === undefined || after.length > MAX_COMPARED
    ? previewLarge(change)
    : previewWhole(change, change.old, after);
}

/** The preview of a step that would fail if it ran now. */
export function previewFailure(path: string, problem: string): Preview {
  return { kind: "diff", path, diff: "", truncated: false, note: `This will fail: ${problem}.` };
}

function previewWhole({ path, before }: Change, old: Uint8Array, after: Uint8Array): Preview {
  const oldText = textOf(old);
  const newText = textOf(after);
  if (oldText === undefined || newText === undefined) {
    const becomes = `${after.length} bytes, ${sha256(after)}`;
    return noteOnly(path, `Not text: ${describe(before)} becomes ${becomes}.`);
  }
  const diff = unifiedDiff(path, before === "absent" ? undefined : oldText, newText);
  const note = noteOn(before, old, after);
  return { kind: "diff", path, ...diff, ...(note === undefined ? {} : { note }) };
}

function previewLarge({ path, before, old, removed, added }: Change): Preview {
  const gone = removed === "all" ? (old ?? new Uint8Array()) : removed;
  const oldText = textOf(gone.subarray(0, MAX_COMPARED), gone.length > MAX_COMPARED);
  const newText = textOf(added.subarray(0, MAX_COMPARED), added.length > MAX_COMPARED);
  const goes = removed === "all" ? "all of it goes" : `${removed.length} bytes of it go`;
  const comes = `${added.length} bytes come (${sha256(added)})`;
  const sizes = `the file is ${describe(before)}; ${before === "absent" ? "" : `${goes}, `}${comes}`;
  if (oldText === undefined || newText === undefined) {
    return noteOnly(path, `Not text: ${sizes}.`);
  }
  const note = `Too large for a whole diff: ${sizes}.`;
  return { kind: "diff", path, ...excerptDiff(path, oldText, newText), note };
}

function noteOnly(path: string, note: string): Preview {
  return { kind: "diff", path, diff: "", truncated: true, note };
}

function noteOn(before: Change["before"], old: Uint8Array, after: Uint8Array): string | undefined {
  if (before === "absent") return after.length === 0 ? "Creates an empty file." : undefined;
  return Buffer.compare(old, after) === 0 ? "The content stays the same." : undefined;
}

function describe(before: Change["before"]): string {
  return before === "absent" ? "absent" : `${before.size} bytes (${before.hash})`;
}

/** undefined: not UTF-8 text. A character at the end of what was `cut` may be incomplete. */
function textOf(bytes: Uint8Array, cut = false): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: cut,
    });
  } catch {
    return undefined;
  }
}
