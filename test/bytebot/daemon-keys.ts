// The key names of ByteBot's daemon and the X11 key each of them presses.

const spaced = (text: string): string[] => text.trim().split(/\s+/);

/** `Name=key` words; a word without `=` is its own lower-case key. */
const table = (text: string): [string, string][] =>
  spaced(text).map((word) => {
    const [name = "", key = name.toLowerCase()] = word.split("=");
    return [name, key];
  });

const LETTERS: [string, string][] = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((letter) => [
  letter,
  letter.toLowerCase(),
]);
const DIGITS: [string, string][] = [..."0123456789"].flatMap((digit): [string, string][] => [
  [digit, digit],
  [`Num${digit}`, digit],
  [`NumPad${digit}`, `KP_${digit}`],
  [`KP_${digit}`, `KP_${digit}`],
]);
const FUNCTION_KEYS: [string, string][] = Array.from({ length: 12 }, (_, index) => [
  `F${index + 1}`,
  `F${index + 1}`,
]);

const OTHERS = table(`
  Escape=Escape Print=Print ScrollLock=Scroll_Lock Scroll_Lock=Scroll_Lock Pause=Pause
  Grave Minus Equal Backspace=BackSpace Insert=Insert Home=Home PageUp=Page_Up Page_Up=Page_Up
  PageDown=Page_Down Page_Down=Page_Down End=End Delete=Delete Tab=Tab Return=Return Enter=Return
  LeftBracket=bracketleft bracketleft RightBracket=bracketright bracketright Backslash Semicolon
  Quote=apostrophe apostrophe Comma Period Slash Space Up=Up Down=Down Left=Left Right=Right
  CapsLock=Caps_Lock Caps_Lock=Caps_Lock NumLock=Num_Lock Num_Lock=Num_Lock
  Add=KP_Add KP_Add=KP_Add Subtract=KP_Subtract KP_Subtract=KP_Subtract Multiply=KP_Multiply
  KP_Multiply=KP_Multiply Divide=KP_Divide KP_Divide=KP_Divide Decimal=KP_Decimal
  KP_Decimal=KP_Decimal NumPadEqual=KP_Equal KP_Equal=KP_Equal
  LeftShift=Shift_L Shift_L=Shift_L Shift=Shift_L RightShift=Shift_R Shift_R=Shift_R
  LeftControl=Control_L Control_L=Control_L Control=Control_L ctrl=Control_L
  RightControl=Control_R Control_R=Control_R LeftAlt=Alt_L Alt_L=Alt_L Alt=Alt_L
  RightAlt=Alt_R Alt_R=Alt_R LeftSuper=Super_L Super_L=Super_L Super=Super_L LeftWin=Super_L
  RightSuper=Super_R Super_R=Super_R RightWin=Super_R LeftMeta=Meta_L Meta_L=Meta_L Meta=Meta_L
  RightMeta=Meta_R Meta_R=Meta_R AudioMute=XF86AudioMute AudioVolDown=XF86AudioLowerVolume
  AudioVolUp=XF86AudioRaiseVolume AudioPlay=XF86AudioPlay AudioStop=XF86AudioStop
`);

const NAMES = new Map(
  [...LETTERS, ...DIGITS, ...FUNCTION_KEYS, ...OTHERS].map(([name, key]) => [
    name.toLowerCase(),
    key,
  ]),
);

const CRASHING = new Set([
  ...Array.from({ length: 12 }, (_, index) => `f${index + 13}`),
  ...spaced("clear audiorepeat audiorandom"),
]);

/** Of a name: the key it presses, nothing at all, or the end of the process. */
export type DaemonKey = { press: string } | "nothing" | "crash";

/** Throws for a name that is not known. Its tables are plain objects, so `constructor` is known. */
export function findKey(name: string): DaemonKey {
  if (name in {}) return "nothing";
  const lower = name.toLowerCase();
  if (CRASHING.has(lower)) return "crash";
  const key = NAMES.get(lower);
  if (key !== undefined) return { press: key };
  throw new Error(`Invalid key: '${name}'. Key not found in available key mappings.`);
}

export function isModifier(key: string): boolean {
  return /^(Shift|Control|Alt|Super|Meta)_[LR]$/.test(key);
}
