import { type StructuredPatchHunk, structuredPatch } from "diff";
import { makeVisible } from "../../lib/inert.ts";

/** Lines kept around a change. */
const CONTEXT = 3;
/** A search for the smallest diff ends here, and all that differs is shown as replaced. */
const SEARCH_LIMITS = { maxEditLength: 1000, timeout: 50 };
/** Longest diff, in characters. */
const MAX_DIFF = 256 * 1024;
const NO_NEWLINE = "\\ No newline at end of file";

export interface UnifiedDiff {
  /** Empty where nothing changes. */
  readonly diff: string;
  /** The diff was cut at a line, for its length. */
  readonly truncated: boolean;
}

/**
 * A unified diff of two texts with bounded work: where they are too different for the smallest
 * one to be found in time, it is a longer one, and as true. `before` undefined: there was no file.
 */
export function unifiedDiff(path: string, before: string | undefined, after: string): UnifiedDiff {
  const old = before ?? "";
  if (old === after) return { diff: "", truncated: false };
  const patch = structuredPatch("", "", old, after, "", "", { context: CONTEXT, ...SEARCH_LIMITS });
  const hunks = patch === undefined ? [wholeHunk(linesOf(old), linesOf(after))] : patch.hunks;
  const lines = hunks.flatMap((hunk) => [headerOf(hunk), ...hunk.lines]);
  return cut([...fileHeader(path, before !== undefined), ...lines]);
}

/**
 * What is replaced in a file too big for a whole diff: its lines without their numbers, so always
 * `truncated`.
 */
export function excerptDiff(path: string, removed: string, added: string): UnifiedDiff {
  const lines = [...marked("-", linesOf(removed)), ...marked("+", linesOf(added))];
  return { ...cut([...fileHeader(path, true), "@@ @@", ...lines]), truncated: true };
}

function fileHeader(path: string, existed: boolean): string[] {
  const shown = makeVisible(path);
  return [`--- ${existed ? shown : "/dev/null"}`, `+++ ${shown}`];
}

function headerOf({ oldStart, oldLines, newStart, newLines }: StructuredPatchHunk): string {
  return `@@ -${rangeOf(oldStart, oldLines)} +${rangeOf(newStart, newLines)} @@`;
}

/** An empty range names the line before it. */
function rangeOf(start: number, count: number): string {
  if (count === 1) return `${start}`;
  return `${count === 0 ? start - 1 : start},${count}`;
}

/** Lines with their line feeds; only the last can lack it. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function marked(mark: string, lines: readonly string[]): string[] {
  return lines.flatMap((line) =>
    line.endsWith("\n") ? [`${mark}${line.slice(0, -1)}`] : [`${mark}${line}`, NO_NEWLINE],
  );
}

/** One hunk that replaces everything between the common beginning and the common end. */
function wholeHunk(before: readonly string[], after: readonly string[]): StructuredPatchHunk {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const start = Math.max(0, head - CONTEXT);
  const kept = Math.min(tail, CONTEXT);
  const oldEnd = before.length - tail;
  const newEnd = after.length - tail;
  return {
    oldStart: start + 1,
    oldLines: oldEnd + kept - start,
    newStart: start + 1,
    newLines: newEnd + kept - start,
    lines: [
      ...marked(" ", before.slice(start, head)),
      ...marked("-", before.slice(head, oldEnd)),
      ...marked("+", after.slice(head, newEnd)),
      ...marked(" ", before.slice(oldEnd, oldEnd + kept)),
    ],
  };
}

function cut(lines: readonly string[]): UnifiedDiff {
  let length = 0;
  const end = lines.findIndex((line) => {
    length += line.length + 1;
    return length > MAX_DIFF;
  });
  const shown = end === -1 ? lines : lines.slice(0, end);
  return { diff: shown.map((line) => `${line}\n`).join(""), truncated: end !== -1 };
}
