import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KEYS, leavesApplication, readKeys } from "./keys.ts";

describe("readKeys", () => {
  test.each([
    [
      ["ctrl", "c"],
      ["Control_L", "c"],
    ],
    [["Ctrl+Shift+T"], ["Control_L", "Shift_L", "t"]],
    [["Esc"], ["Escape"]],
    [["Prior"], ["Page_Up"]],
    [
      ["cmd", "-"],
      ["Super_L", "minus"],
    ],
    [
      ["option", "["],
      ["Alt_L", "bracketleft"],
    ],
    [
      ["AltGr", "ENTER"],
      ["Alt_R", "Return"],
    ],
    [["F12"], ["F12"]],
  ])("%j is %j", (asked, keys) => {
    expect(readKeys("keys", asked)).toEqual(keys);
    expect(readKeys("keys", keys)).toEqual(keys);
  });

  test.each([
    "F13",
    "F24",
    "Clear",
    "AudioRepeat",
    "AudioRandom",
    "LeftCmd",
    "Menu",
    "Fn",
    "KP_Enter",
    "+",
    "plus",
    "",
    "constructor",
    "toString",
    "__proto__",
    "ctrl+",
    "ctrl++",
    "ab",
    "é",
    "\0",
  ])("%j is refused before anything is pressed", (key) => {
    expect(() => readKeys("keys", ["shift", key])).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: expect.stringMatching(/^\/parameters\/keys: /),
      }),
    );
  });

  test("a key twice, in whatever spelling, is refused", () => {
    expect(() => readKeys("keys", ["ctrl", "Control_L"])).toThrow(/twice/);
  });

  test("only keys of the list come out", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom(...KEYS, "ctrl+alt", "esc"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (asked) => {
        try {
          for (const key of readKeys("keys", asked)) expect(KEYS).toContain(key);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_request" });
        }
      }),
    );
  });
});

test.each([
  ["alt+tab", true],
  ["super", true],
  ["win+r", true],
  ["ctrl+alt+t", true],
  ["ctrl+alt+F2", true],
  ["alt+F2", true],
  ["alt+F4", true],
  ["altgr+F4", true],
  ["alt+space", true],
  ["ctrl+esc", true],
  ["ctrl+shift+esc", true],
  ["ctrl+c", false],
  ["ctrl+shift+t", false],
  ["alt+d", false],
  ["shift+tab", false],
  ["F5", false],
])("%s leaves the application: %s", (chord, leaves) => {
  expect(leavesApplication(readKeys("keys", [chord]))).toBe(leaves);
});
