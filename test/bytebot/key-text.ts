// What the keys of a US keyboard type.

const KEYS = {
  space: "  ",
  grave: "`~",
  minus: "-_",
  equal: "=+",
  bracketleft: "[{",
  bracketright: "]}",
  backslash: "\\|",
  semicolon: ";:",
  apostrophe: "'\"",
  comma: ",<",
  period: ".>",
  slash: "/?",
  Return: "\n\n",
  Tab: "\t\t",
};

const PAIRS: readonly [string, string][] = [
  ...[..."abcdefghijklmnopqrstuvwxyz"].map((letter): [string, string] => [
    letter,
    letter + letter.toUpperCase(),
  ]),
  ...[..."1234567890"].map((digit, index): [string, string] => [
    digit,
    digit + "!@#$%^&*()".charAt(index),
  ]),
  ...Object.entries(KEYS),
];

const TEXTS = new Map(PAIRS);
/** A tab is a key that types; ByteBot's `type_text` does not know it. */
const TYPEABLE = new Map(
  PAIRS.filter(([key]) => key !== "Tab").flatMap(([key, pair]) =>
    [...pair].map((text, index): [string, { key: string; shift: boolean }] => [
      text,
      { key, shift: index === 1 && text !== " " && text !== "\n" },
    ]),
  ),
);

/** The text a key types, "" for one that types none. */
export function textOfKey(key: string, shift: boolean): string {
  return TEXTS.get(key)?.charAt(shift ? 1 : 0) ?? "";
}

/** The key that types a character of printable ASCII or a line feed; undefined for any other. */
export function keyOfText(character: string): { key: string; shift: boolean } | undefined {
  return TYPEABLE.get(character);
}
