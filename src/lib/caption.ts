import type { Picture } from "./picture.ts";

/** Each letter in 5 rows of 3 pixels, a row as three bits: enough for what is written here. */
const LETTERS: Readonly<Record<string, string>> = {
  "0": "75557",
  "1": "26227",
  "2": "71747",
  "3": "71717",
  "4": "55711",
  "5": "74717",
  "6": "74757",
  "7": "71222",
  "8": "75757",
  "9": "75717",
  A: "25755",
  B: "65656",
  C: "34443",
  D: "65556",
  E: "74647",
  F: "74644",
  G: "34553",
  H: "55755",
  I: "72227",
  J: "11152",
  K: "55655",
  L: "44447",
  M: "57755",
  N: "65555",
  O: "25552",
  P: "65644",
  Q: "25563",
  R: "65655",
  S: "34216",
  T: "72222",
  U: "55557",
  V: "55552",
  W: "55775",
  X: "55255",
  Y: "55222",
  Z: "71247",
  ".": "00002",
  ",": "00024",
  ":": "02020",
};
const ROWS = 5;
const COLUMNS = 3;
/** Pixels of one dot of a letter, where there is room, and around the line. */
const DOT = 3;
const MARGIN = 6;
const INK = 255;

/**
 * A copy with a line of text in a black strip below the picture: letters, digits, `.`, `,` and `:`,
 * whatever their case; anything else is a blank. The dots are smaller where it would not fit.
 */
export function addCaption({ width, height, rgb }: Picture, text: string): Picture {
  const columns = text.length * (COLUMNS + 1);
  const dot = Math.max(1, Math.min(DOT, Math.floor((width - 2 * MARGIN) / columns)));
  const strip = ROWS * dot + 2 * MARGIN;
  const captioned = new Uint8Array(width * (height + strip) * 3);
  captioned.set(rgb);
  for (const [index, letter] of [...text.toUpperCase()].entries()) {
    const left = MARGIN + index * (COLUMNS + 1) * dot;
    for (const [row, bits] of [...(LETTERS[letter] ?? "")].entries()) {
      for (let column = 0; column < COLUMNS; column += 1) {
        if ((Number(bits) & (4 >> column)) === 0) continue;
        fill(captioned, width, left + column * dot, height + MARGIN + row * dot, dot);
      }
    }
  }
  return { width, height: height + strip, rgb: captioned };
}

function fill(rgb: Uint8Array, width: number, left: number, top: number, size: number): void {
  for (let y = top; y < top + size; y += 1) {
    const [from, to] = [Math.min(left, width), Math.min(left + size, width)];
    rgb.fill(INK, (y * width + from) * 3, (y * width + to) * 3);
  }
}
