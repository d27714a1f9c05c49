import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeVisible } from "../../src/contract/inert-text.ts";
import { chunksOf } from "./text-chunks.ts";

const lines = (text: string) => chunksOf(text).flatMap((chunk) => chunk.lines);

describe("I8 a text in chunks", () => {
  it("shows what is invisible or misleading, tabs and spaces at the end", () => {
    expect(lines("a\u202Eb\tc \r\nnext\u200B").map(({ text }) => text)).toEqual([
      "a⟦U+202E⟧b→\tc ⟦U+000D⟧",
      "next⟦U+200B⟧",
    ]);
    expect(lines("end ")[0]?.text).toBe("end⟦U+0020⟧");
  });

  it("numbers lines as an editor does", () => {
    expect(lines("a\n\nb\n").map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(lines("a\nb").map(({ number }) => number)).toEqual([1, 2]);
  });

  it("leaves nothing out and keeps each chunk small, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 4000 }), fc.nat(60), (text, repeat) => {
        const whole = text.repeat(1 + (repeat % 4));
        const chunks = chunksOf(whole);
        const shown: string[] = [];
        for (const { text: piece, number } of chunks.flatMap((chunk) => chunk.lines)) {
          if (number === undefined) shown.push(`${shown.pop() ?? ""}${piece}`);
          else shown.push(piece);
        }
        const expected = whole.split("\n");
        if (expected.length > 1 && expected.at(-1) === "") expected.pop();
        const visible = expected.map((line) =>
          makeVisible(line, { multiline: true }).replaceAll("\t", "→\t").replace(/ $/, "⟦U+0020⟧"),
        );
        expect(shown).toEqual(visible);
        for (const chunk of chunks) {
          expect(chunk.lines.length).toBeLessThanOrEqual(12);
          const characters = chunk.lines.reduce((sum, { text }) => sum + text.length, 0);
          expect(characters).toBeLessThanOrEqual(700);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("tears no pair and no written-out character apart", () => {
    for (const unit of ["😀", "\u202E", "a\u0000"]) {
      for (let lead = 0; lead < 12; lead += 1) {
        const pieces = lines("x".repeat(lead) + unit.repeat(1500)).map(({ text }) => text);
        for (const piece of pieces) {
          expect(piece).not.toMatch(/[\uD800-\uDBFF]$|^[\uDC00-\uDFFF]/);
          expect(piece.split("⟦").length).toBe(piece.split("⟧").length);
        }
      }
    }
  });
});
