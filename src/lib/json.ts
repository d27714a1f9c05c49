import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { atOnce, inTurns, LARGE } from "./turns.ts";

/** Arrays and objects may stand this deep inside each other. */
export const MAX_JSON_DEPTH = 32;
/** Keys of one object, and values in all. Objects of many keys cost far more than their bytes. */
export const MAX_JSON_KEYS = 1000;
export const MAX_JSON_VALUES = 100_000;

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
 * MAX_JSON_DEPTH, more than MAX_JSON_KEYS or MAX_JSON_VALUES, a key twice in one object (whatever its
 * spelling), the key `__proto__`, half a surrogate pair, an integer beyond 2^53−1 and a number too
 * large for a double.
 */
export function parseJson(bytes: Uint8Array): unknown {
  return atOnce(parse(bytes));
}

/** The same for what may be large: others have a turn meanwhile. */
export async function parseLargeJson(bytes: Uint8Array): Promise<unknown> {
  return bytes.length < LARGE ? parseJson(bytes) : await inTurns(parse(bytes));
}

function* parse(bytes: Uint8Array): Generator<void, unknown> {
  const scan = new Scan(bytes, false);
  yield* scan.text();
  const value = yield* readValue(bytes, scan);
  // A key written twice is one key fewer in the value than in the text. Only then are keys looked at.
  if (countMembers(value) !== scan.members) yield* new Scan(bytes, true).text();
  return value;
}

/** The value of a text that was scanned. Strings that are long are read a piece at a time. */
function* readValue(bytes: Uint8Array, { ascii, long }: Scan): Generator<void, unknown> {
  if (long.length === 0) return JSON.parse(decode(bytes, ascii));
  // Nobody outside can know what stands for a long string meanwhile.
  const mark = randomUUID();
  const strings = new Map<string, string>();
  const short: string[] = [];
  let copied = 0;
  for (const cuts of long) {
    const [start = 0, ...ends] = cuts;
    const pieces: string[] = [];
    let from = start;
    for (const end of ends) {
      pieces.push(JSON.parse(`"${decode(bytes.subarray(from, end), ascii)}"`));
      from = end;
      yield;
    }
    const name = `${mark} ${strings.size}`;
    strings.set(name, pieces.join(""));
    short.push(decode(bytes.subarray(copied, start), ascii), name);
    copied = from;
    yield;
  }
  short.push(decode(bytes.subarray(copied), ascii));
  return withStrings(JSON.parse(short.join("")), strings);
}

function withStrings(value: unknown, strings: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return strings.get(value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) members[key] = withStrings(members[key], strings);
  return value;
}

/**
 * The bytes without the white space outside of strings, otherwise unchanged; the very same array
 * where there is none. Looks at no more than strings: what is not JSON comes back as it is, compacted.
 */
export function compactJson(bytes: Uint8Array): Uint8Array {
  return atOnce(compact(bytes));
}

/** The same for what may be large: others have a turn meanwhile. */
export async function compactLargeJson(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.length < LARGE ? compactJson(bytes) : await inTurns(compact(bytes));
}

function* compact(bytes: Uint8Array): Generator<void, Uint8Array> {
  const compaction = new Compaction(bytes);
  while (!compaction.goOn()) yield;
  return compaction.result();
}

class Compaction {
  readonly #bytes: Uint8Array;
  #compact: Uint8Array | undefined;
  #length = 0;
  /** Start of the run that is not yet copied. */
  #kept = 0;
  #at = 0;
  #isInString = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Looks at one piece; true at the end. */
  goOn(): boolean {
    const bytes = this.#bytes;
    const end = Math.min(bytes.length, this.#at + PIECE);
    let at = this.#at;
    let isInString = this.#isInString;
    while (at < end) {
      const byte = bytes[at];
      if (byte === QUOTE) isInString = !isInString;
      else if (isInString) {
        if (byte === BACKSLASH) at++;
      } else if (isSpace(byte)) {
        this.#keepUntil(at);
        do at++;
        while (at < end && isSpace(bytes[at]));
        this.#kept = at;
        continue;
      }
      at++;
    }
    this.#at = at;
    this.#isInString = isInString;
    return at >= bytes.length;
  }

  result(): Uint8Array {
    if (this.#compact === undefined) return this.#bytes;
    this.#keepUntil(this.#bytes.length);
    return this.#compact.subarray(0, this.#length);
  }

  #keepUntil(end: number): void {
    this.#compact ??= new Uint8Array(this.#bytes.length);
    this.#compact.set(this.#bytes.subarray(this.#kept, end), this.#length);
    this.#length += end - this.#kept;
  }
}

function decode(bytes: Uint8Array, ascii: boolean): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(ascii ? "latin1" : "utf8");
}

/** Bytes that are read in one go. */
const PIECE = 512 * 1024;

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
/** Whether it goes on a character of UTF-8 that has begun. */
const isContinued = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;
/** The value of each hex digit, by its byte; NaN for what is none. */
const HEX_DIGITS = Array.from({ length: 256 }, (_, byte) =>
  /[0-9a-f]/i.test(String.fromCharCode(byte))
    ? Number.parseInt(String.fromCharCode(byte), 16)
    : Number.NaN,
);
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= ZERO && byte <= 0x39;

/**
 * Reads a whole JSON text by the grammar of RFC 8259 without making a value, so that what is wrong
 * is found, with its place, before anything recursive or lossy sees it. With `keys` it also refuses
 * repeated and dangerous keys.
 */
class Scan {
  /** Members of all objects together. */
  members = 0;
  /** Of arrays' items, too. */
  #values = 0;
  /** No byte above 0x7f. */
  ascii = true;
  /** Of each string that takes several pieces and is a value: where it begins, and where each piece ends. */
  readonly long: (readonly number[])[] = [];
  readonly #bytes: Uint8Array;
  readonly #keys: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, keys: boolean) {
    this.#bytes = bytes;
    this.#keys = keys;
  }

  *text(): Generator<void, void> {
    const bytes = this.#bytes;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
      throw new JsonError("a byte order mark", 0);
    }
    yield* this.#space();
    yield* this.#value(0);
    yield* this.#space();
    if (this.#at < bytes.length) throw this.#unexpected("the end");
    if (!this.ascii && !isUtf8(bytes)) throw new JsonError("not UTF-8", firstNotUtf8(bytes));
  }

  *#value(depth: number): Generator<void, void> {
    const byte = this.#bytes[this.#at];
    this.#values++;
    if (this.#values > MAX_JSON_VALUES) {
      throw new JsonError(`more than ${MAX_JSON_VALUES} values`, this.#at);
    }
    if (byte === QUOTE) {
      const cuts = yield* this.#string();
      if (cuts.length > 2) this.long.push(cuts);
    } else if (byte === OPEN_BRACE) yield* this.#object(this.#deeper(depth));
    else if (byte === OPEN_BRACKET) yield* this.#array(this.#deeper(depth));
    else if (byte === MINUS || isDigit(byte)) this.#number();
    else this.#literal(byte);
  }

  #deeper(depth: number): number {
    if (depth < MAX_JSON_DEPTH) return depth + 1;
    throw new JsonError(`nested deeper than ${MAX_JSON_DEPTH} levels`, this.#at);
  }

  *#object(depth: number): Generator<void, void> {
    const seen = this.#keys ? new Set<string>() : undefined;
    let keys = 0;
    this.#at++;
    yield* this.#space();
    if (this.#take(CLOSE_BRACE)) return;
    do {
      yield* this.#space();
      const start = this.#at;
      if (this.#bytes[start] !== QUOTE) throw this.#unexpected("a key in double quotes");
      if (++keys > MAX_JSON_KEYS) {
        throw new JsonError(`more than ${MAX_JSON_KEYS} keys in one object`, start);
      }
      yield* this.#string();
      if (seen !== undefined) this.#key(seen, start);
      yield* this.#space();
      if (!this.#take(COLON)) throw this.#unexpected('":"');
      yield* this.#space();
      yield* this.#value(depth);
      this.members++;
      yield* this.#space();
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

  *#array(depth: number): Generator<void, void> {
    this.#at++;
    yield* this.#space();
    if (this.#take(CLOSE_BRACKET)) return;
    do {
      yield* this.#space();
      yield* this.#value(depth);
      yield* this.#space();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_BRACKET)) throw this.#unexpected('"," or "]"');
  }

  /** Where its content begins, and where each piece of it ends. */
  *#string(): Generator<void, readonly number[]> {
    const cuts = [++this.#at];
    for (;;) {
      const isOver = this.#stringPiece();
      cuts.push(this.#at);
      if (isOver) break;
      yield;
    }
    this.#at++;
    return cuts;
  }

  /** Goes on by one piece, between characters; true at the closing quote. */
  #stringPiece(): boolean {
    const bytes = this.#bytes;
    const end = this.#at + PIECE;
    let at = this.#at;
    let or = 0;
    let byte = bytes[at];
    while (byte !== QUOTE && (at < end || isContinued(byte))) {
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
      byte = bytes[at];
    }
    if (or > 0x7f) this.ascii = false;
    this.#at = at;
    return byte === QUOTE;
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
    let unit = 0;
    for (let digit = at + 2; digit < at + 6; digit++) {
      // Beyond the end, and of what is no digit, it is not a number, and stays so.
      unit = unit * 16 + (HEX_DIGITS[this.#bytes[digit] ?? 0] ?? Number.NaN);
    }
    if (unit >= 0) return unit;
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

  *#space(): Generator<void, void> {
    while (isSpace(this.#bytes[this.#at])) {
      this.#at++;
      if (this.#at % PIECE === 0) yield;
    }
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
