import { expect, test } from "vitest";
import { findKey } from "../../../test/bytebot/daemon-keys.ts";
import { keyOfText } from "../../../test/bytebot/key-text.ts";
import { keyOfCharacter } from "./key-names.ts";

const TYPEABLE = ["\n", ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at))];

test("each character that the daemon types has the key that is pressed for it", () => {
  const keys = TYPEABLE.map((character) => keyOfCharacter(character) ?? "");
  expect(keys.map((key) => findKey(key))).toEqual(
    TYPEABLE.map((character) => ({ press: keyOfText(character)?.key })),
  );
});

test.each(["é", "∑", "\t", "Return", ""])("%j has none", (character) => {
  expect(keyOfCharacter(character)).toBeUndefined();
});
