/**
 * What a terminal or a page would not show as itself: controls, bidi and format characters,
 * separators and odd spaces, private and unassigned code points, lone surrogates, characters that
 * are ignorable by default (fillers, variation selectors), the blank Braille cell.
 */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}/gu;
/** Marks stacked beyond what any script needs: they draw over the lines around them. */
const STACKED_MARKS = /(?<=\p{M}{4})\p{M}/gu;
const LAYOUT = new Set(["\n", "\t"]);

/**
 * The text with every invisible or misleading character written out as `⟦U+202E⟧`; nothing is
 * removed. With `multiline`, line feeds and tabs stay what they are.
 */
export function makeVisible(text: string, options: { multiline?: boolean } = {}): string {
  const show = (character: string): string =>
    options.multiline && LAYOUT.has(character) ? character : notation(character);
  return text.replace(HIDDEN, show).replace(STACKED_MARKS, notation);
}

/**
 * The text on one visible line of at most `max` of its own characters. What is left out is never
 * silent: the line then ends in `… (N more characters)`.
 */
export function oneLine(text: string, max: number): string {
  // A code point takes at most two code units: a text this short needs no cutting.
  if (text.length <= max) return makeVisible(text);
  const characters = Array.from(text);
  const more = characters.length - max;
  if (more <= 0) return makeVisible(text);
  const noun = more === 1 ? "character" : "characters";
  return `${makeVisible(characters.slice(0, max).join(""))}… (${more} more ${noun})`;
}

function notation(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `⟦U+${code.toString(16).toUpperCase().padStart(4, "0")}⟧`;
}
