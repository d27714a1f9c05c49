import { useMemo } from "react";
import { marked } from "../parts/inert.tsx";
import { Piece } from "./reveal.tsx";
import { chunksOf, endsInLine } from "./text-chunks.ts";

/** A whole text, line by line with its numbers, whatever its length. */
export function TextBlock({
  text,
  label,
  numbered = true,
}: {
  text: string;
  label: string;
  numbered?: boolean;
}) {
  const chunks = useMemo(() => chunksOf(text), [text]);
  if (text === "") {
    return (
      <Piece>
        <p className="empty-text">empty</p>
      </Piece>
    );
  }
  return (
    <section className={numbered ? "text-block numbered" : "text-block"} aria-label={label}>
      {chunks.map((chunk, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a chunk is its place in the text
        <Piece key={index}>
          {chunk.lines.map((line, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place in the chunk
            <div className={line.number === undefined ? "line goes-on" : "line"} key={place}>
              {numbered && (
                <span className="line-number" aria-hidden="true">
                  {line.number ?? "┊"}
                </span>
              )}
              <bdi className="line-text">{line.text === "" ? "\u200b" : marked(line.text)}</bdi>
            </div>
          ))}
        </Piece>
      ))}
      {numbered && text.includes("\n") && endsInLine(text) && (
        <p className="text-note">no line feed at the end</p>
      )}
    </section>
  );
}
