import { useMemo } from "react";
import { marked } from "../parts/inert.tsx";
import { Piece } from "./reveal.tsx";
import { type ChunkLine, chunksOf } from "./text-chunks.ts";

const SIGNS = [
  ["+++", "diff-file"],
  ["---", "diff-file"],
  ["@@", "diff-place"],
  ["+", "diff-added"],
  ["-", "diff-removed"],
  ["\\", "diff-place"],
] as const;

/** A unified diff, coloured by the sign that each line begins with; the signs stay. */
export function DiffBlock({ diff, label }: { diff: string; label: string }) {
  const chunks = useMemo(() => signed(diff), [diff]);
  return (
    <section className="text-block diff" aria-label={label}>
      {chunks.map((lines, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a chunk is its place in the diff
        <Piece key={index}>
          {lines.map(({ text, kind }, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place in the chunk
            <div className={`line ${kind}`} key={place}>
              <bdi className="line-text">{text === "" ? "\u200b" : marked(text)}</bdi>
            </div>
          ))}
        </Piece>
      ))}
    </section>
  );
}

/** What goes on with a line before is of its kind; the two first lines alone name the file. */
function signed(diff: string): { text: string; kind: string }[][] {
  let kind = "";
  let inHunk = false;
  const take = ({ text, number }: ChunkLine) => {
    if (number !== undefined) {
      if (text.startsWith("@@")) inHunk = true;
      const [, found = ""] =
        SIGNS.find(([sign, name]) => text.startsWith(sign) && !(inHunk && name === "diff-file")) ??
        [];
      kind = found;
    }
    return { text, kind };
  };
  return chunksOf(diff).map(({ lines }) => lines.map(take));
}
