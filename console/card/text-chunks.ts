import { makeVisible } from "../../src/contract/inert-text.ts";

/** So much fits on any screen at once: what is larger is read part by part. */
const MAX_LINES = 12;
const MAX_CHARACTERS = 700;

/** A line of a text, or what of a very long one fits into a chunk. */
export interface ChunkLine {
  readonly text: string;
  /** From 1; undefined for a piece that goes on with the line before. */
  readonly number: number | undefined;
}

export interface Chunk {
  readonly lines: readonly ChunkLine[];
}

/**
 * A whole text as visible lines, in chunks that can be looked at one by one. Nothing is left out: a
 * tab is an arrow, a space at the end of a line is written out, and so is a last line without an end.
 */
export function chunksOf(text: string): Chunk[] {
  const lines = text.split("\n");
  const ended = lines.length > 1 && lines.at(-1) === "";
  if (ended) lines.pop();
  const chunks: Chunk[] = [];
  let chunk: ChunkLine[] = [];
  let characters = 0;
  const close = () => {
    if (chunk.length > 0) chunks.push({ lines: chunk });
    chunk = [];
    characters = 0;
  };
  lines.forEach((line, index) => {
    let number: number | undefined = index + 1;
    for (const piece of pieces(visibleLine(line))) {
      if (chunk.length >= MAX_LINES || characters + piece.length > MAX_CHARACTERS) close();
      chunk.push({ text: piece, number });
      characters += piece.length;
      number = undefined;
    }
  });
  close();
  return chunks;
}

/** Whether the text ends inside a line: a file then has no line feed at its end. */
export function endsInLine(text: string): boolean {
  return text !== "" && !text.endsWith("\n");
}

/** A carriage return that only ends a line is as visible as any other control. */
function visibleLine(line: string): string {
  const visible = makeVisible(line, { multiline: true }).replaceAll("\t", "→\t");
  return visible.endsWith(" ") ? `${visible.slice(0, -1)}⟦U+0020⟧` : visible;
}

function pieces(line: string): string[] {
  if (line.length <= MAX_CHARACTERS) return [line];
  const cut: string[] = [];
  let start = 0;
  while (start < line.length) {
    let end = Math.min(start + MAX_CHARACTERS, line.length);
    // Neither a surrogate pair nor a written-out character is torn apart.
    const open = line.lastIndexOf("⟦", end - 1);
    if (end < line.length && open > start && open > end - 11 && line.indexOf("⟧", open) >= end) {
      end = open;
    } else if (end < line.length && isHighSurrogate(line.charCodeAt(end - 1))) {
      end -= 1;
    }
    cut.push(line.slice(start, end));
    start = end;
  }
  return cut;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
