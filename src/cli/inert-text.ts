import { makeVisible } from "../lib/inert.ts";

/** A whole text on one line: nothing removed, nothing hidden. */
export function inert(text: string): string {
  return edgesVisible(makeVisible(text));
}

/**
 * A text of any length as lines of at most `width` columns: each line of the text starts with `│`,
 * what had to be wrapped goes on with `┊`, so that no part of it can pass for something else on the
 * screen. Tabs are drawn as arrows. Nothing is left out.
 */
export function inertBlock(text: string, width: number): string[] {
  const lines = text.split("\n");
  // The line feed that ends a text is no further line; a text without one is told apart.
  const ended = lines.length > 1 && lines.at(-1) === "";
  if (ended) lines.pop();
  const drawn = lines.flatMap((line) => inertLine(line, width));
  return ended ? drawn : [...drawn, "╵ no line feed at the end"];
}

/** One line of a text, wrapped, with its bar. */
export function inertLine(line: string, width: number): string[] {
  const visible = edgesVisible(makeVisible(line, { multiline: true }).replaceAll("\t", "→   "));
  return wrap(visible, Math.max(8, width - 2)).map(
    (part, index) => `${index === 0 ? "│" : "┊"} ${part}`,
  );
}

/**
 * Pieces of at most `width` columns each, which make the text again when they are joined; an empty
 * text is one empty piece. Words stay whole where they fit. The space before a word that goes on the
 * next line goes with it: there it can be seen, so that nobody takes two words for one.
 */
export function wrap(text: string, width: number): string[] {
  return split(text, width, (piece) => piece.search(/(?<=[^ ]) +[^ ]*$/));
}

/** @param breakAt where a piece that is full is broken, as an index in it; below 1: at its end */
function split(text: string, width: number, breakAt: (piece: string) => number): string[] {
  if (text.length <= width && NARROW_ONLY.test(text)) return [text];
  const pieces: string[] = [];
  let piece = "";
  let columns = 0;
  for (const character of text) {
    const wide = columnsOf(character);
    if (columns + wide > width) {
      const at = character === " " ? 0 : breakAt(piece);
      pieces.push(at > 0 ? piece.slice(0, at) : piece);
      piece = at > 0 ? piece.slice(at) : "";
      columns = displayWidth(piece);
    }
    piece += character;
    columns += wide;
  }
  return [...pieces, piece];
}

/** Lines of at most `width` columns, broken at spaces where there are any; for our own sentences. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    const pieces = wrap(word, width);
    line = pieces.pop() ?? "";
    lines.push(...pieces);
  }
  return [...lines, line];
}

/** Cut to `width` columns, for a status line only: what is approved is never cut. */
export function cut(text: string, width: number): string {
  const whole = () => 0;
  const [first = "", ...rest] = split(text, width, whole);
  return rest.length === 0 ? first : `${split(text, width - 1, whole)[0] ?? ""}…`;
}

/** Columns of a visible text. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOf(character);
  return columns;
}

/**
 * Terminals differ over what is wide. Taking whatever may be drawn as two columns for two wraps some
 * scripts early and never lets a line run over.
 */
function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return NARROW.some(([first, last]) => code >= first && code <= last) ? 1 : 2;
}

/** Up to Hangul Jamo; punctuation and arrows; box drawing; the brackets of makeVisible. */
const NARROW = [
  [0x0000, 0x10ff],
  [0x2000, 0x2319],
  [0x2500, 0x259f],
  [0x27e6, 0x27e7],
] as const;

/** Most texts: looking at each of their characters would be slow for megabytes. */
const NARROW_ONLY = /^[ -\u10ff]*$/;

/** A space at the very end cannot be seen: it is written out. */
function edgesVisible(text: string): string {
  return text.endsWith(" ") ? `${text.slice(0, -1)}⟦U+0020⟧` : text;
}
