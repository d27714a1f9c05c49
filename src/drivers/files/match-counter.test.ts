import fc from "fast-check";
import { expect, test } from "vitest";
import { MatchCounter } from "./match-counter.ts";

function naive(haystack: string, needle: string): { count: number; first: number } {
  let count = 0;
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + 1)) count++;
  return { count, first: haystack.indexOf(needle) };
}

test("counts what a plain search counts, wherever the stream is cut", () => {
  const word = (max: number) => fc.string({ unit: fc.constantFrom("a", "b"), maxLength: max });
  fc.assert(
    fc.property(fc.array(word(6), { maxLength: 8 }), word(4), (chunks, rest) => {
      const needle = `a${rest}`;
      const counter = new MatchCounter(Buffer.from(needle));
      for (const chunk of chunks) counter.see(Buffer.from(chunk));
      const { count, first } = counter;
      expect({ count, first }).toEqual(naive(chunks.join(""), needle));
    }),
    { numRuns: 500 },
  );
});

test("takes no more than one pass over text made to be slow to search", () => {
  const needle = Buffer.from(`${"a".repeat(50_000)}b`);
  const counter = new MatchCounter(needle);
  for (let chunk = 0; chunk < 20; chunk++) counter.see(Buffer.alloc(50_000, "a"));
  counter.see(Buffer.from("b"));
  expect(counter).toMatchObject({ count: 1, first: 950_000 });
});
