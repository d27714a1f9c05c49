import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "../../test/support/lib/fixtures.ts";
import { makeVisible, oneLine } from "./inert.ts";

describe("makeVisible", () => {
  test.each([
    ["report\u202Efdp.exe", "report⟦U+202E⟧fdp.exe"],
    ["a\u0000b\u001b[2Jc", "a⟦U+0000⟧b⟦U+001B⟧[2Jc"],
    ["zero\u200bwidth\ufeff", "zero⟦U+200B⟧width⟦U+FEFF⟧"],
    ["no\u00a0break", "no⟦U+00A0⟧break"],
    ["filler\u3164\u115f", "filler⟦U+3164⟧⟦U+115F⟧"],
    ["tag\u{E0041}", "tag⟦U+E0041⟧"],
    ["lone \ud800 surrogate", "lone ⟦U+D800⟧ surrogate"],
    ["one\ntwo\r", "one⟦U+000A⟧two⟦U+000D⟧"],
    ["plain text, ünïcödé, 日本語, 😀", "plain text, ünïcödé, 日本語, 😀"],
  ])("I8 %j is shown as %j", (text, shown) => {
    expect(makeVisible(text)).toBe(shown);
  });

  test("keeps line feeds and tabs of several lines, and nothing else", () => {
    expect(makeVisible("a\n\tb\r\u202e", { multiline: true })).toBe("a\n\tb⟦U+000D⟧⟦U+202E⟧");
  });

  test("stacked combining marks stay within their line", () => {
    expect(makeVisible(`e${"\u0301".repeat(6)}`)).toBe(`e${"\u0301".repeat(4)}⟦U+0301⟧⟦U+0301⟧`);
  });

  test("I8 whatever the text, no control, bidi or invisible character is left", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(makeVisible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{DI}]/u);
      }),
    );
  });
});

describe("oneLine", () => {
  test("I8 what is left out is counted", () => {
    expect(oneLine("abcdef", 6)).toBe("abcdef");
    expect(oneLine("abcdefg", 6)).toBe("abcdef… (1 more character)");
    expect(oneLine("😀😀😀😀", 2)).toBe("😀😀… (2 more characters)");
    expect(oneLine("😀😀", 2)).toBe("😀😀");
  });

  test("is one line", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, max) => {
        expect(oneLine(text, max).split(/\r|\n|\u2028|\u2029/)).toHaveLength(1);
      }),
    );
  });
});
