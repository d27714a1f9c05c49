import { applyPatch } from "diff";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excerptDiff, unifiedDiff } from "./unified-diff.ts";

describe("unifiedDiff", () => {
  test("shows what changes, with its surroundings", () => {
    expect(unifiedDiff("/tmp/a", "1\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n")).toEqual({
      diff: "--- /tmp/a\n+++ /tmp/a\n@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+five\n",
      truncated: false,
    });
  });

  test("shows a new file against none", () => {
    expect(unifiedDiff("/tmp/a", undefined, "x").diff).toBe(
      "--- /dev/null\n+++ /tmp/a\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
    );
  });

  test("I8 a path cannot write lines of its own into the diff", () => {
    const { diff } = unifiedDiff("/tmp/a\n+harmless\u202e", "1\n", "2\n");
    expect(diff.split("\n").slice(0, 3)).toEqual([
      "--- /tmp/a⟦U+000A⟧+harmless⟦U+202E⟧",
      "+++ /tmp/a⟦U+000A⟧+harmless⟦U+202E⟧",
      "@@ -1 +1 @@",
    ]);
  });

  const text = fc
    .array(fc.constantFrom("a", "b", "c", "", "\r", "é"), { maxLength: 30 })
    .chain((lines) => fc.constantFrom("", "\n").map((end) => lines.join("\n") + end));

  test("I8 applied to the old text a diff gives the new one", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const { diff, truncated } = unifiedDiff("/a", before, after);
        expect(truncated).toBe(false);
        expect(applyPatch(before, diff)).toBe(after);
      }),
      { numRuns: 300 },
    );
  });

  test("I8 so does the longer diff of texts too different for the smallest", () => {
    const lines = (seed: number) =>
      Array.from({ length: 3000 }, (_, index) => `${(index * seed) % 4999}`);
    const before = ["same", ...lines(17), "end", "end", "end", "end"].join("\n");
    const after = ["same", ...lines(31).toReversed(), "end", "end", "end", "end"].join("\n");
    const { diff } = unifiedDiff("/a", before, after);
    expect(diff.match(/^@@/gm)).toHaveLength(1);
    expect(applyPatch(before, diff)).toBe(after);
  });

  test("cuts a long diff at a line and says so", () => {
    const { diff, truncated } = unifiedDiff("/a", "", `${"x".repeat(99)}\n`.repeat(5000));
    expect(truncated).toBe(true);
    expect(diff.length).toBeLessThanOrEqual(256 * 1024);
    expect(diff.endsWith(`+${"x".repeat(99)}\n`)).toBe(true);
  });
});

test("an excerpt shows what goes and what comes, and is never the whole", () => {
  expect(excerptDiff("/a", "old\n", "new\n")).toEqual({
    diff: "--- /a\n+++ /a\n@@ @@\n-old\n+new\n",
    truncated: true,
  });
});
