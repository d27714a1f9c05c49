import { makeVisible } from "../lib/inert.ts";
import { nearest } from "../lib/nearest.ts";
import { refuse } from "./define-capability.ts";

// Keys have the names X11 gives them (keysymdef.h); a driver translates these few, known names into
// its backend's. Left out on purpose: F13 to F24, Clear, Menu and keypad keys, which crash or
// confuse ByteBot, and characters that need Shift, whose key depends on the layout.

const spaced = (text: string): string[] => text.trim().split(/\s+/);

const MODIFIERS = spaced("Shift_L Shift_R Control_L Control_R Alt_L Alt_R Super_L Super_R");
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz0123456789"];
const FUNCTION_KEYS = Array.from({ length: 12 }, (_, index) => `F${index + 1}`);
const OTHERS = spaced(`
  Return Escape Tab BackSpace Delete Insert Home End Page_Up Page_Down Left Up Right Down space
  Caps_Lock Num_Lock Scroll_Lock Print Pause
  minus equal bracketleft bracketright backslash semicolon apostrophe grave comma period slash
`);

/** Every key there is. */
export const KEYS: readonly string[] = [...LETTERS, ...FUNCTION_KEYS, ...OTHERS, ...MODIFIERS];

/** Other names people, browsers and models give them, lower case. */
const ALIASES: Readonly<Record<string, string>> = {
  shift: "Shift_L",
  ctrl: "Control_L",
  control: "Control_L",
  ctl: "Control_L",
  alt: "Alt_L",
  option: "Alt_L",
  opt: "Alt_L",
  altgr: "Alt_R",
  altgraph: "Alt_R",
  iso_level3_shift: "Alt_R",
  super: "Super_L",
  win: "Super_L",
  windows: "Super_L",
  cmd: "Super_L",
  command: "Super_L",
  meta: "Super_L",
  meta_l: "Super_L",
  meta_r: "Super_R",
  leftshift: "Shift_L",
  rightshift: "Shift_R",
  leftctrl: "Control_L",
  leftcontrol: "Control_L",
  rightctrl: "Control_R",
  rightcontrol: "Control_R",
  leftalt: "Alt_L",
  rightalt: "Alt_R",
  leftsuper: "Super_L",
  rightsuper: "Super_R",
  leftwin: "Super_L",
  rightwin: "Super_R",
  enter: "Return",
  ret: "Return",
  linefeed: "Return",
  esc: "Escape",
  bksp: "BackSpace",
  del: "Delete",
  ins: "Insert",
  prior: "Page_Up",
  pageup: "Page_Up",
  pgup: "Page_Up",
  next: "Page_Down",
  pagedown: "Page_Down",
  pgdn: "Page_Down",
  pgdown: "Page_Down",
  arrowleft: "Left",
  arrowup: "Up",
  arrowright: "Right",
  arrowdown: "Down",
  leftarrow: "Left",
  uparrow: "Up",
  rightarrow: "Right",
  downarrow: "Down",
  spacebar: "space",
  capslock: "Caps_Lock",
  numlock: "Num_Lock",
  scrolllock: "Scroll_Lock",
  printscreen: "Print",
  print_screen: "Print",
  prtsc: "Print",
  break: "Pause",
  "-": "minus",
  hyphen: "minus",
  "=": "equal",
  equals: "equal",
  "[": "bracketleft",
  leftbracket: "bracketleft",
  "]": "bracketright",
  rightbracket: "bracketright",
  "\\": "backslash",
  ";": "semicolon",
  "'": "apostrophe",
  quote: "apostrophe",
  "`": "grave",
  backtick: "grave",
  backquote: "grave",
  ",": "comma",
  ".": "period",
  dot: "period",
  "/": "slash",
};

const NAMES = new Map([
  ...KEYS.map((key): [string, string] => [key.toLowerCase(), key]),
  ...Object.entries(ALIASES),
]);

/**
 * The keys by their one name each. Names are taken in any case, common aliases and `ctrl+c` as one
 * word too. Throws `invalid_request` for a key that is not known or named twice, before any is
 * pressed.
 */
export function readKeys(parameter: string, asked: readonly string[]): string[] {
  const words = asked.flatMap((word) => (word.length > 1 ? word.split("+") : [word]));
  const keys = words.map((word) => {
    const key = NAMES.get(word.trim().toLowerCase());
    if (key !== undefined) return key;
    const near = nearest(word, NAMES.keys());
    throw refuse(
      parameter,
      `there is no key ${JSON.stringify(makeVisible(word))}`,
      near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : "Keys are named as on the keyboard: ctrl, shift, enter, f5, a, minus; a + is shift and equal.",
    );
  });
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice === undefined) return keys;
  throw refuse(parameter, `${twice} stands twice`, "Name each key once.");
}

export function isModifier(key: string): boolean {
  return MODIFIERS.includes(key);
}

/** With Alt alone these reach the window manager. */
const WITH_ALT = new Set(["Tab", "Escape", "space", "grave", "Return", ...FUNCTION_KEYS]);

/**
 * Whether a window manager, session or virtual terminal usually answers to these keys rather than
 * the application: anything with Super or Control+Alt, Alt+Tab, Alt+F2, Alt+F4, Control+Escape.
 */
export function leavesApplication(keys: readonly string[]): boolean {
  const has = (modifier: string) => keys.some((key) => key.startsWith(`${modifier}_`));
  if (has("Super") || (has("Control") && has("Alt"))) return true;
  if (has("Alt") && keys.some((key) => WITH_ALT.has(key))) return true;
  return has("Control") && keys.includes("Escape");
}
