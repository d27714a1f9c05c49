import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compactJson,
  compactLargeJson,
  JsonError,
  MAX_JSON_DEPTH,
  MAX_JSON_KEYS,
  MAX_JSON_VALUES,
  parseJson,
  parseLargeJson,
} from "./json.ts";

const parse = (text: string) => parseJson(Buffer.from(text));
const compact = (text: string) => Buffer.from(compactJson(Buffer.from(text))).toString();

function problemOf(text: string | Uint8Array): { message: string; offset: number } {
  try {
    parseJson(typeof text === "string" ? Buffer.from(text) : text);
  } catch (error) {
    if (error instanceof JsonError) return { message: error.message, offset: error.offset };
    throw error;
  }
  throw new Error("it was parsed");
}

/** JSON values without what JSON or parseJson cannot carry. */
const json = fc
  .jsonValue({ maxDepth: 6, stringUnit: "binary" })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes("__proto__") && !/\d{16}/.test(text));

describe("parseJson", () => {
  it("gives the value JSON.parse gives, for any valid text with any white space", () => {
    fc.assert(
      fc.property(json, fc.constantFrom("", " ", "\t"), (text, indent) => {
        const spaced = ` \r\n${JSON.stringify(JSON.parse(text), null, indent)}\t`;
        expect(parse(spaced)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("throws JsonError, and only where JSON.parse or a stated rule refuses, for any bytes", () => {
    const noise = fc.array(
      fc.constantFrom('"', "\\", "{", "}", "[", "]", ":", ",", " ", "-", "0", "1", ".", "e", "a"),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(noise, (pieces) => {
        const text = pieces.join("");
        let ours: unknown;
        let theirs: unknown;
        let refused = false;
        try {
          ours = parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
          refused = true;
        }
        try {
          theirs = JSON.parse(text);
        } catch {
          expect(refused).toBe(true);
          return;
        }
        if (!refused) expect(ours).toEqual(theirs);
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          parseJson(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
      }),
    );
  });

  it.each([
    ["", "ends where a value was expected", 0],
    ['{"a":}', "expected a value", 5],
    ['{"a" 1}', 'expected ":"', 5],
    ['{"a":1,}', "expected a key in double quotes", 7],
    ["{'a':1}", "expected a key in double quotes", 1],
    ["[1 2]", 'expected "," or "]"', 3],
    ["[1] x", "expected the end", 4],
    ["[01]", 'expected "," or "]"', 2],
    ["[-]", "expected a digit", 2],
    ["[tru]", "expected true", 4],
    ['["a\nb"]', "control character", 3],
    ['["\\x"]', "escape JSON does not know", 2],
    ['["\\u12g4"]', "without four hex digits", 2],
    ['["\\u12', "without four hex digits", 2],
    ['["abc', "ends where a closing quote was expected", 5],
  ])("says what is wrong with %j, and where", (text, message, offset) => {
    expect(problemOf(text)).toEqual({ message: expect.stringContaining(message), offset });
  });

  it("refuses bytes that are not UTF-8 at the first of them, and a byte order mark", () => {
    expect(problemOf(Buffer.from([0x22, 0x61, 0xff, 0x22]))).toMatchObject({ offset: 2 });
    const afterReplacement = Buffer.concat([Buffer.from('"é\ufffd'), Buffer.from([0xc3, 0x22])]);
    expect(problemOf(afterReplacement)).toMatchObject({ offset: 6 });
    expect(problemOf(Buffer.from("\ufeff{}")).message).toContain("byte order mark");
    expect(parse('"\ufeff\ufffd"')).toBe("\ufeff\ufffd");
  });

  it("I10 counts depth before anything recursive: 32 levels yes, 33 and a million no", () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
    expect(parse(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
    expect(parse(objects(MAX_JSON_DEPTH))).toHaveProperty("a");
    for (const text of [nested(33), objects(33), "[".repeat(1_000_000), '{"a":['.repeat(500_000)]) {
      expect(problemOf(text).message).toContain("deeper than 32");
    }
  });

  it.each([
    ['{"a":1,"a":2}', 7],
    ['{"a":1,"\\u0061":2}', 7],
    ['[{"b":1},{"x":{"é":1,"\\u00e9":1}}]', 22],
    ['{"":1,"":1}', 6],
    ['{"1":1,"b":2,"1":3}', 13],
  ])("refuses the key that stands twice in %j", (text, offset) => {
    expect(problemOf(text)).toEqual({ message: expect.stringContaining("twice"), offset });
  });

  it("takes the same key in different objects, and keys that objects inherit", () => {
    expect(parse('[{"a":{"a":1}},{"a":1}]')).toEqual([{ a: { a: 1 } }, { a: 1 }]);
    expect(parse('{"constructor":1,"toString":2}')).toEqual({ constructor: 1, toString: 2 });
  });

  it.each(['{"__proto__":1}', '[{"a":{"\\u005f_proto__":{}}}]'])(
    "refuses __proto__ in %s",
    (text) => {
      expect(problemOf(text).message).toContain("__proto__");
    },
  );

  it("finds a double among as many keys as an object may have", () => {
    const keys = Array.from({ length: MAX_JSON_KEYS - 1 }, (_, index) => `"k${index}":0`).join();
    expect(Object.keys(parse(`{${keys},"last":0}`) as object)).toHaveLength(MAX_JSON_KEYS);
    expect(problemOf(`{${keys},"\\u006b998":1}`).message).toContain('"k998" stands twice');
  });

  it("I10 refuses more keys and values than anybody needs where the first too many stands", () => {
    const keys = Array.from({ length: MAX_JSON_KEYS }, (_, index) => `"k${index}":0`).join();
    const tooMany = problemOf(`{"a":{${keys},"more":0,${keys}}}`);
    expect(tooMany.message).toContain(`more than ${MAX_JSON_KEYS} keys in one object`);
    expect(tooMany.offset).toBe(`{"a":{${keys},`.length);
    const items = "0,".repeat(MAX_JSON_VALUES - 2);
    expect(parse(`[${items}0]`)).toHaveLength(MAX_JSON_VALUES - 1);
    expect(problemOf(`[${items}0,0`).message).toContain(`more than ${MAX_JSON_VALUES} values`);
  });

  it("I10 reads long strings a piece at a time, as JSON.parse reads them at once", async () => {
    const character = fc.constantFrom(...'aé€😀\\"\n\u0000', "\\u00e9", "x".repeat(1000));
    const long = fc.array(character, { minLength: 1, maxLength: 40 });
    const large = 1_500_000;
    await fc.assert(
      fc.asyncProperty(long, fc.nat(7), async (characters, shift) => {
        const unit = characters.join("");
        const text = " ".repeat(shift) + unit.repeat(Math.ceil(large / unit.length));
        const value = { before: "x", long: [text, { text }], after: unit };
        const bytes = Buffer.from(JSON.stringify(value));
        expect(isDeepStrictEqual(await parseLargeJson(bytes), value)).toBe(true);
        expect(isDeepStrictEqual(parseJson(bytes), value)).toBe(true);
        const spaced = Buffer.from(JSON.stringify(value, null, 2));
        expect(Buffer.compare(await compactLargeJson(spaced), bytes)).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it("refuses integers it would change, and infinity; takes what a double holds", () => {
    expect(parse("[9007199254740991,-9007199254740991]")).toEqual([
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ]);
    for (const text of [
      "9007199254740992",
      "9007199254740993",
      "-9007199254740992",
      "1".repeat(400),
    ]) {
      expect(problemOf(`[${text}]`)).toEqual({
        message: expect.stringContaining("2^53-1"),
        offset: 1,
      });
    }
    expect(parse("[9007199254740993.0,1e300,1e-400,-0]")).toEqual([9007199254740992, 1e300, 0, -0]);
    for (const text of ["1e400", "-1E+999", `1${"0".repeat(400)}.5`]) {
      expect(problemOf(text).message).toContain("too large");
    }
  });

  it("refuses half a surrogate pair", () => {
    for (const half of [
      "\\ud83d",
      "\\ude00",
      "\\ud83d\\ud83d",
      "\\ud83dx",
      "\\ud83d\\n",
      "\\ude00\\ud83d",
    ]) {
      expect(problemOf(`"${half}"`).message).toContain("surrogate");
    }
    expect(parse('"\\ud83d\\ude00"')).toBe("😀");
  });

  const corpus = resolve(import.meta.dirname, "../../../shared/corpora/json-test-suite.json");
  describe.skipIf(!existsSync(corpus))("JSONTestSuite (skipped where corpora/ is absent)", () => {
    const cases = existsSync(corpus)
      ? Object.entries<string>(JSON.parse(readFileSync(corpus, "utf8")))
      : [];
    const refusedByUs = /^y_object_duplicated_key/;

    it("parses every y_ case but the duplicate keys, and refuses every n_ case", () => {
      const wrong = cases.filter(([name, base64]) => {
        const bytes = Buffer.from(base64, "base64");
        try {
          parseJson(bytes);
        } catch (error) {
          if (!(error instanceof JsonError)) throw error;
          return name.startsWith("y_") && !refusedByUs.test(name);
        }
        return name.startsWith("n_") || refusedByUs.test(name);
      });
      expect(wrong.map(([name]) => name)).toEqual([]);
      expect(cases.length).toBeGreaterThan(300);
    });
  });
});

describe("compactJson", () => {
  it("gives what JSON.stringify gives without indent", () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 10 }), (text, indent) => {
        expect(compact(JSON.stringify(JSON.parse(text), null, indent))).toBe(text);
      }),
    );
  });

  it("removes only space, tab, carriage return and line feed, and only outside strings", () => {
    expect(compact('{ "a b\\" c": [1 , 2.0,\t1e3]\r\n, "\\\\" : "  " }')).toBe(
      '{"a b\\" c":[1,2.0,1e3],"\\\\":"  "}',
    );
    expect(compact("[1\u00a0,\v2]")).toBe("[1\u00a0,\v2]");
  });

  it("keeps every byte but white space, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const dense = (from: Uint8Array) =>
          from.filter((byte) => !" \t\r\n".includes(String.fromCharCode(byte)));
        const once = compactJson(bytes);
        expect(dense(once)).toEqual(dense(bytes));
        expect(compactJson(once)).toBe(once);
      }),
    );
  });

  it("returns the same array where there is nothing to remove", () => {
    const bytes = Buffer.from('{"a":"b c"}');
    expect(compactJson(bytes)).toBe(bytes);
  });
});
