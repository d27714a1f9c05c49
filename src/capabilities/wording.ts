import { makeVisible, oneLine } from "../lib/inert.ts";

/** Stands for every masked text, whatever its length. */
export const MASK = "••••••";

const PLAIN = /^[\p{L}\p{N}._/@:+,=~-]+$/u;
const MAX_NAME = 1000;

/** A path, word or URL as part of a sentence: as it is where it is plain, else in quotes. */
export function named(text: string): string {
  return PLAIN.test(text) ? oneLine(text, MAX_NAME) : quoted(text, MAX_NAME);
}

/** The text in quotes, on one line, with what is left out of it counted. */
export function quoted(text: string, max: number): string {
  const characters = text.length <= max ? [] : Array.from(text);
  const more = characters.length - max;
  const head = more > 0 ? characters.slice(0, max).join("") : text;
  const shown = makeVisible(JSON.stringify(head));
  return more > 0 ? `${shown}… (${more} more ${plural(more, "character")})` : shown;
}

/** `1 byte`, `2 bytes`. */
export function count(number: number, noun: string): string {
  return `${number} ${plural(number, noun)}`;
}

function plural(number: number, noun: string): string {
  return number === 1 ? noun : `${noun}s`;
}
