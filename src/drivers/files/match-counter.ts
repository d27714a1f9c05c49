/**
 * Counts where a byte string occurs in a stream, overlapping occurrences too, in one pass over any
 * chunks. Knuth–Morris–Pratt: linear also for text made to be slow to search.
 */
export class MatchCounter {
  /** How often it occurred so far. */
  count = 0;
  /** Offset of the first occurrence; -1 before it. */
  first = -1;
  readonly #needle: Uint8Array;
  /** For each prefix, the length of its longest border: where to go on after a mismatch. */
  readonly #borders: Int32Array;
  #matched = 0;
  #position = 0;

  /** `needle` must not be empty. */
  constructor(needle: Uint8Array) {
    this.#needle = needle;
    this.#borders = bordersOf(needle);
  }

  see(chunk: Uint8Array): void {
    const needle = this.#needle;
    const borders = this.#borders;
    let matched = this.#matched;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      while (matched > 0 && needle[matched] !== byte) matched = borders[matched - 1] ?? 0;
      if (needle[matched] === byte) matched += 1;
      if (matched === needle.length) {
        if (this.count === 0) this.first = this.#position + index + 1 - needle.length;
        this.count += 1;
        matched = borders[matched - 1] ?? 0;
      }
    }
    this.#matched = matched;
    this.#position += chunk.length;
  }
}

function bordersOf(needle: Uint8Array): Int32Array {
  const borders = new Int32Array(needle.length);
  let length = 0;
  for (let index = 1; index < needle.length; index++) {
    while (length > 0 && needle[length] !== needle[index]) length = borders[length - 1] ?? 0;
    if (needle[length] === needle[index]) length += 1;
    borders[index] = length;
  }
  return borders;
}
