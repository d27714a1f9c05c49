import { makeVisible } from "../../src/contract/inert-text.ts";

const NOTATION = /(⟦U\+[0-9A-F]{4,6}⟧)/;

/**
 * A text from elsewhere on one line, as nothing but text: what would be invisible or misleading is
 * written out and stands out. A space at the end is written out too.
 */
export function Inert({ text, multiline = false }: { text: string; multiline?: boolean }) {
  return <bdi>{marked(edgeVisible(makeVisible(text, { multiline })))}</bdi>;
}

/** The pieces of a visible text, its written-out characters marked. */
export function marked(visible: string) {
  if (!visible.includes("⟦")) return visible;
  return visible.split(NOTATION).map((piece, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
      <mark className="hidden-character" key={index}>
        {piece}
      </mark>
    ) : (
      piece
    ),
  );
}

function edgeVisible(text: string): string {
  return text.endsWith(" ") ? `${text.slice(0, -1)}⟦U+0020⟧` : text;
}
