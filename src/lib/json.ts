import { isUtf8 } from "node:buffer";

/** Arrays and objects may stand this deep inside each other. */
export const MAX_JSON_DEPTH = 32;

/** What the bytes did wrong, and where. The message repeats none of them but a key's name. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** Bytes from the start. */
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(`${problem}, at byte ${offset}`);
    this.offset = offset;
  }
}

/**
 * The value of a JSON text (RFC 8259) that every reader understands the same way. Throws JsonError
 * for what is not JSON and besides for: bytes that are not UTF-8, a byte order mark, nesting over
 * MAX_JSON_DEPTH, a key twice in one object (whatever its spelling), the key `__proto__`, half a
 * surrogate pair, an integer beyond 2^53−1 and a number too large for a double.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const scan = new Scan(bytes, false);
  scan.text();
  const value: unknown = JSON.parse(decode(bytes, scan.ascii));
  // A key written twice is one key fewer in the value than in the text. Only then are keys looked at.
  if (countMembers(value) !== scan.members) new Scan(bytes, true).text();
  return value;
}

/**
 * The bytes without the white space outside of strings, otherwise unchanged; the very same array
 * where there is none. Looks at no more than strings: what is not JSON comes back as it is, compacted.
 */
export function compactJson(bytes: Uint8Array): Uint8Array {
  const end = bytes.length;
  let compact: Uint8Array | undefined;
  let length = 0;
  let kept = 0; // start of the run that is not yet copied
  let at = 0;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = afterString(bytes, at);
    } else if (isSpace(byte)) {
      compact ??= new Uint8Array(end);
      compact.set(bytes.subarray(kept, at), length);
      length += at - kept;
      do at++;
      while (at < end && isSpace(bytes[at]));
      kept = at;
    } else {
      at++;
    }
  }
  if (compact === undefined) return bytes;
  compact.set(bytes.subarray(kept), length);
  return compact.subarray(0, length + end - kept);
}

/** Where a string that opens at `start` is over; the end of the bytes where it never closes. */
function afterString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return bytes.length;
}

function decode(bytes: Uint8Array, ascii: boolean): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(ascii ? "latin1" : "utf8");
}

/** Keys of all objects together; NaN, equal to no number, where one of them is `__proto__`. */
function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  if (Object.hasOwn(value, "__proto__")) return Number.NaN;
  const members = value as Record<string, unknown>;
  const keys = Object.keys(members);
  for (const key of keys) count += countMembers(members[key]);
  return count + keys.length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LETTER_U = 0x75;
const ESCAPED = new Set(Buffer.from('"\\/bfnrt'));
const LITERALS = new Map(
  ["true", "false", "null"].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);

const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= ZERO && byte <= 0x39;

/**
 * Reads a whole JSON text by the grammar of RFC 8259 without making a value, so that what is wrong
 * is found, with its place, before anything recursive or lossy sees it. With `keys` it also refuses
 * repeated and dangerous keys.
 */
class Scan {
  /** Members of all objects together. */
  members = 0;
  /** No byte above 0x7f. */
  ascii = true;
  readonly #bytes: Uint8Array;
  readonly #keys: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, keys: boolean) {
    this.#bytes = bytes;
    this.#keys = keys;
  }

  text(): void {
    const bytes = this.#bytes;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
      throw new JsonError("a byte order mark", 0);
    }
    this.#space();
    this.#value(0);
    this.#space();
    if (this.#at < bytes.length) throw this.#unexpected("the end");
    if (!this.ascii && !isUtf8(bytes)) throw new JsonError("not UTF-8", firstNotUtf8(bytes));
  }

  #value(depth: number): void {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) this.#string();
    else if (byte === OPEN_BRACE) this.#object(this.#deeper(depth));
    else if (byte === OPEN_BRACKET) this.#array(this.#deeper(depth));
    else if (byte === MINUS || isDigit(byte)) this.#number();
    else this.#literal(byte);
  }

  #deeper(depth: number): number {
    if (depth < MAX_JSON_DEPTH) return depth + 1;
    throw new JsonError(`nested deeper than ${MAX_JSON_DEPTH} levels`, this.#at);
  }

  #object(depth: number): void {
    const seen = this.#keys ? new Set<string>() : undefined;
    this.#at++;
    this.#space();
    if (this.#take(CLOSE_BRACE)) return;
    do {
      this.#space();
      const start = this.#at;
      if (this.#bytes[start] !== QUOTE) throw this.#unexpected("a key in double quotes");
      this.#string();
      if (seen !== undefined) this.#key(seen, start);
      this.#space();
      if (!this.#take(COLON)) throw this.#unexpected('":"');
      this.#space();
      this.#value(depth);
      this.members++;
      this.#space();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_BRACE)) throw this.#unexpected('"," or "}"');
  }

  /** The key from `start` to here. */
  #key(seen: Set<string>, start: number): void {
    const key: string = JSON.parse(decode(this.#bytes.subarray(start, this.#at), false));
    if (key === "__proto__") throw new JsonError("the key __proto__ is not allowed", start);
    if (seen.has(key)) {
      throw new JsonError(`the key ${JSON.stringify(key.slice(0, 64))} stands twice`, start);
    }
    seen.add(key);
  }

  #array(depth: number): void {
    this.#at++;
    this.#space();
    if (this.#take(CLOSE_BRACKET)) return;
    do {
      this.#space();
      this.#value(depth);
      this.#space();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_BRACKET)) throw this.#unexpected('"," or "]"');
  }

  #string(): void {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    let or = 0;
    for (;;) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        at = this.#escape(at);
      } else if (byte === undefined || byte < 0x20) {
        this.#at = at;
        throw byte === undefined
          ? this.#unexpected("a closing quote")
          : new JsonError("a control character in a string, write it as an escape", at);
      } else {
        or |= byte;
        at++;
      }
    }
    if (or > 0x7f) this.ascii = false;
    this.#at = at + 1;
  }

  /** Returns where the escape that starts at `at` is over, with both halves of a surrogate pair. */
  #escape(at: number): number {
    const escaped = this.#bytes[at + 1];
    if (escaped !== LETTER_U) {
      if (escaped !== undefined && ESCAPED.has(escaped)) return at + 2;
      throw new JsonError("an escape JSON does not know", at);
    }
    const unit = this.#codeUnit(at);
    if (unit < 0xd800 || unit > 0xdfff) return at + 6;
    const pair = this.#bytes[at + 6] === BACKSLASH && this.#bytes[at + 7] === LETTER_U;
    const low = unit < 0xdc00 && pair ? this.#codeUnit(at + 6) : 0;
    if (low >= 0xdc00 && low <= 0xdfff) return at + 12;
    throw new JsonError("half a surrogate pair", at);
  }

  /** The four hex digits of the \u escape at `at`. */
  #codeUnit(at: number): number {
    const digits = decode(this.#bytes.subarray(at + 2, at + 6), true);
    if (/^[0-9a-fA-F]{4}$/.test(digits)) return Number.parseInt(digits, 16);
    throw new JsonError("a \\u escape without four hex digits", at);
  }

  #number(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    this.#take(MINUS);
    if (!this.#take(ZERO)) this.#digits();
    const integer = this.#at;
    if (this.#take(POINT)) this.#digits();
    const byte = bytes[this.#at];
    if (byte === 0x65 || byte === 0x45) {
      this.#at++;
      const sign = bytes[this.#at];
      if (sign === 0x2b || sign === MINUS) this.#at++;
      this.#digits();
    }
    if (this.#at - start < 16 && this.#at === integer) return;
    const number = Number(decode(bytes.subarray(start, this.#at), true));
    if (this.#at === integer && !Number.isSafeInteger(number)) {
      throw new JsonError("an integer beyond 2^53-1, send it as a string", start);
    }
    if (!Number.isFinite(number)) throw new JsonError("a number too large", start);
  }

  #digits(): void {
    if (!isDigit(this.#bytes[this.#at])) throw this.#unexpected("a digit");
    do this.#at++;
    while (isDigit(this.#bytes[this.#at]));
  }

  #literal(first: number | undefined): void {
    const word = first === undefined ? undefined : LITERALS.get(first);
    if (word === undefined) throw this.#unexpected("a value");
    for (const byte of word) if (!this.#take(byte)) throw this.#unexpected(word.toString());
  }

  #space(): void {
    while (isSpace(this.#bytes[this.#at])) this.#at++;
  }

  #take(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #unexpected(expected: string): JsonError {
    return this.#at < this.#bytes.length
      ? new JsonError(`expected ${expected}`, this.#at)
      : new JsonError(`ends where ${expected} was expected`, this.#at);
  }
}

/** The first replacement character of the decoded text that is none in the bytes. */
function firstNotUtf8(bytes: Uint8Array): number {
  let at = 0;
  for (const good of decode(bytes, false).split("\ufffd")) {
    at += Buffer.byteLength(good);
    if (bytes[at] !== 0xef || bytes[at + 1] !== 0xbf || bytes[at + 2] !== 0xbd) break;
    at += 3;
  }
  return at;
}
