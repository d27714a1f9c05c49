import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cut, displayWidth, inert, inertBlock, wrap, wrapWords } from "./inert-text.ts";

const text = fc.string({ unit: "binary", maxLength: 300 });

describe("inert text", () => {
  test("I8 holds nothing a terminal acts on, whatever it is made of", () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(inert(given)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        for (const line of inertBlock(given, 40)) {
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        }
      }),
    );
  });

  test("I8 a block never runs over its width, and every line of it carries a mark", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 100 }), (given, width) => {
        for (const line of inertBlock(given, width)) {
          expect(line).toMatch(/^[│┊╵] /);
          if (!line.startsWith("╵")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        }
      }),
    );
  });

  test("I8 nothing is lost: a printable text can be read back from its block", () => {
    const printable = fc.string({ unit: "grapheme-ascii", maxLength: 500 });
    fc.assert(
      fc.property(fc.array(printable, { maxLength: 8 }), (lines) => {
        const given = lines.join("\n");
        const drawn = inertBlock(given, 30);
        const ended = drawn.at(-1)?.startsWith("╵") !== true;
        const read = drawn
          .filter((line) => !line.startsWith("╵"))
          .map((line) => (line.startsWith("│") ? `\n${line.slice(2)}` : line.slice(2)))
          .join("")
          .slice(1)
          .replaceAll("⟦U+0020⟧", " ");
        expect(ended ? `${read}\n` : read).toBe(given);
      }),
    );
  });

  test("shows a space at the end and a missing line feed", () => {
    expect(inert("a ")).toBe("a⟦U+0020⟧");
    expect(inertBlock("a\tb\n c ", 40)).toEqual([
      "│ a→   b",
      "│  c⟦U+0020⟧",
      "╵ no line feed at the end",
    ]);
    expect(inertBlock("a\n", 40)).toEqual(["│ a"]);
  });

  test("words stay whole; the space before one on the next line is seen there", () => {
    expect(wrap("one two three", 8)).toEqual(["one two", " three"]);
    expect(wrap("one two  three", 9)).toEqual(["one two", "  three"]);
    expect(wrap("a verylongword b", 8)).toEqual(["a", " verylon", "gword b"]);
    expect(wrap("onetwoth three", 8)).toEqual(["onetwoth", " three"]);
    expect(inertBlock("rm -r /tmp/old /tmp/new\n", 18)).toEqual([
      "│ rm -r /tmp/old",
      "┊  /tmp/new",
    ]);
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 40 }), (given, width) => {
        const pieces = wrap(given, width);
        expect(pieces.join("")).toBe(given);
        for (const piece of pieces) expect(displayWidth(piece)).toBeLessThanOrEqual(width);
      }),
    );
  });

  test("wraps at columns, not characters", () => {
    expect(wrap("漢字漢字", 4)).toEqual(["漢字", "漢字"]);
    expect(wrap("", 4)).toEqual([""]);
    expect(wrapWords("one two three", 8)).toEqual(["one two", "three"]);
    expect(cut("abcdef", 4)).toBe("abc…");
    expect(cut("abcd", 4)).toBe("abcd");
  });
});
