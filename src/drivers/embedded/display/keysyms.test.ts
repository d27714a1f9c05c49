import { expect, test } from "vitest";
import { KEYS } from "../../../capabilities/keys.ts";
import { keysymOfCharacter, keysymOfKey } from "./keysyms.ts";

test("every key there is has a keysym of its own", () => {
  const keysyms = KEYS.map((key) => keysymOfKey(key));
  expect(keysyms).not.toContain(undefined);
  expect(new Set(keysyms).size).toBe(KEYS.length);
});

test.each(["", "A", "ä", "F13", "constructor", "toString", "__proto__", "Menu"])(
  "there is no key %j",
  (name) => {
    expect(keysymOfKey(name)).toBeUndefined();
  },
);

// Values of X11/keysymdef.h and the X protocol, appendix A.
test.each([
  ["a", 0x61],
  ["~", 0x7e],
  ["é", 0xe9],
  ["ÿ", 0xff],
  ["∑", 0x01002211],
  ["日", 0x010065e5],
  ["😀", 0x0101f600],
  ["\n", 0xff0d],
  ["\t", 0xff09],
])("the character %j has its keysym", (character, keysym) => {
  expect(keysymOfCharacter(character)).toBe(keysym);
});
