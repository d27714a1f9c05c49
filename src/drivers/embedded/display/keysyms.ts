/** Keys whose name is not their character (X11/keysymdef.h), by their X11 name. */
const NAMED: Readonly<Record<string, number>> = {
  BackSpace: 0xff08,
  Tab: 0xff09,
  Return: 0xff0d,
  Pause: 0xff13,
  Scroll_Lock: 0xff14,
  Escape: 0xff1b,
  Home: 0xff50,
  Left: 0xff51,
  Up: 0xff52,
  Right: 0xff53,
  Down: 0xff54,
  Page_Up: 0xff55,
  Page_Down: 0xff56,
  End: 0xff57,
  Print: 0xff61,
  Insert: 0xff63,
  Num_Lock: 0xff7f,
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`F${index + 1}`, 0xffbe + index]),
  ),
  Shift_L: 0xffe1,
  Shift_R: 0xffe2,
  Control_L: 0xffe3,
  Control_R: 0xffe4,
  Caps_Lock: 0xffe5,
  Alt_L: 0xffe9,
  Alt_R: 0xffea,
  Super_L: 0xffeb,
  Super_R: 0xffec,
  Delete: 0xffff,
};

/** Names of characters, which are their own keysyms. */
const CHARACTERS: Readonly<Record<string, string>> = {
  space: " ",
  minus: "-",
  equal: "=",
  bracketleft: "[",
  bracketright: "]",
  backslash: "\\",
  semicolon: ";",
  apostrophe: "'",
  grave: "`",
  comma: ",",
  period: ".",
  slash: "/",
};

/** Characters that are keys of another kind. */
const CONTROLS: Readonly<Record<string, number>> = { "\n": 0xff0d, "\r": 0xff0d, "\t": 0xff09 };

/** Added to a code point that is no Latin-1 character (X protocol, appendix A). */
const UNICODE = 0x01000000;

/** The keysym of a key by its X11 name, or undefined where there is no such key. */
export function keysymOfKey(name: string): number | undefined {
  if (/^[a-z0-9]$/.test(name)) return name.charCodeAt(0);
  if (Object.hasOwn(NAMED, name)) return NAMED[name];
  return Object.hasOwn(CHARACTERS, name) ? CHARACTERS[name]?.charCodeAt(0) : undefined;
}

/** The keysym of one character. */
export function keysymOfCharacter(character: string): number {
  if (Object.hasOwn(CONTROLS, character)) return CONTROLS[character] ?? 0;
  const code = character.codePointAt(0) ?? 0;
  const isLatin = (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff);
  return isLatin ? code : UNICODE + code;
}
