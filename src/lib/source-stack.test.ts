import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toSourceStack } from "./source-stack.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "source stack-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Column 5 of the only line is line 3, column 2 of ../src/a.ts. */
const MAP = { version: 3, sources: ["../src/a.ts"], names: [], mappings: "IAEC" };

test("places of a file with a map become those of its source, as path or as URL", () => {
  const file = join(folder, "a.js");
  writeFileSync(`${file}.map`, JSON.stringify(MAP));
  const source = join(folder, "../src/a.ts");
  expect(toSourceStack(`Error: x\n    at f (${pathToFileURL(file)}:1:5)\n    at ${file}:1:6`)).toBe(
    `Error: x\n    at f (${source}:3:2)\n    at ${source}:3:2`,
  );
});

test("whatever has no map, or a broken one, stays as it is", () => {
  const file = join(folder, "b.js");
  writeFileSync(`${file}.map`, "{");
  const stack = `Error: x\n    at f (${file}:1:5)\n    at node:internal/x:1:2\n    at g (${folder}/c.js:1:1)`;
  expect(toSourceStack(stack)).toBe(stack);
  expect(toSourceStack("file://%zz/x.js:1:1")).toBe("file://%zz/x.js:1:1");
});
