import { GatewayError } from "../../contract/errors.ts";

// X11 key names to those that ByteBot takes (the names of nut.js, which presses them). An own list,
// because ByteBot takes `constructor` for a key, answers 500 to half of the names people use, and
// dies of F13, Clear and some others.

const pairs = (text: string): [string, string][] =>
  text
    .trim()
    .split(/\s+/)
    .map((pair) => {
      const [x11 = "", bytebot = x11] = pair.split("=");
      return [x11, bytebot];
    });

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"].map((letter): [string, string] => [
  letter,
  letter.toUpperCase(),
]);
const DIGITS = [..."0123456789"].map((digit): [string, string] => [digit, `Num${digit}`]);
const FUNCTION_KEYS = Array.from({ length: 12 }, (_, index): [string, string] => [
  `F${index + 1}`,
  `F${index + 1}`,
]);

const NAMES: ReadonlyMap<string, string> = new Map([
  ...LETTERS,
  ...DIGITS,
  ...FUNCTION_KEYS,
  ...pairs(`
    Return Escape Tab BackSpace=Backspace Delete Insert Home End Page_Up=PageUp Page_Down=PageDown
    Left Up Right Down space=Space Caps_Lock=CapsLock Num_Lock=NumLock Scroll_Lock=ScrollLock
    Print Pause minus=Minus equal=Equal bracketleft=LeftBracket bracketright=RightBracket
    backslash=Backslash semicolon=Semicolon apostrophe=Quote grave=Grave comma=Comma
    period=Period slash=Slash
    Shift_L Shift_R Control_L Control_R Alt_L Alt_R Super_L Super_R
  `),
]);

/** What the daemon types with Shift, by the key it is on. */
const SHIFTED: ReadonlyMap<string, string> = new Map(
  pairs(`
    ~=grave !=1 @=2 #=3 $=4 %=5 ^=6 &=7 *=8 (=9 )=0 _=minus {=bracketleft }=bracketright
    |=backslash :=semicolon "=apostrophe <=comma >=period ?=slash
  `),
);
const PLAIN: ReadonlyMap<string, string> = new Map([
  ...pairs(`
    -=minus [=bracketleft ]=bracketright \\=backslash ;=semicolon '=apostrophe \`=grave ,=comma
    .=period /=slash
  `),
  [" ", "space"],
  ["=", "equal"],
  ["+", "equal"],
  ["\n", "Enter"],
]);

/** The key, by ByteBot's name, that its daemon presses for a character; undefined where it types none. */
export function keyOfCharacter(character: string): string | undefined {
  const key = PLAIN.get(character) ?? SHIFTED.get(character) ?? character.toLowerCase();
  return key === "Enter" ? key : NAMES.get(key);
}

/** ByteBot's names of keys. Throws `invalid_request` before anything is sent for one that is not listed. */
export function toByteBotKeys(keys: readonly string[]): string[] {
  return keys.map((key) => {
    const name = NAMES.get(key);
    if (name !== undefined) return name;
    throw new GatewayError("invalid_request", "ByteBot's desktop has no such key", {
      hint: "Keys are named as on the keyboard: ctrl, shift, enter, f5, a, minus.",
    });
  });
}
