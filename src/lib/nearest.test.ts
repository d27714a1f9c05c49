import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const names = ["fs.read", "fs.write", "fs.list", "browser.open", "wait"];

test.each([
  ["fs.raed", "fs.read"],
  ["FS.READ", "fs.read"],
  ["fs_write", "fs.write"],
  ["browser.opn", "browser.open"],
  ["wiat", "wait"],
])("%s is nearest to %s", (text, name) => {
  expect(nearest(text, names)[0]).toBe(name);
});

test("nothing is suggested for what is far from every name", () => {
  expect(nearest("completely.different.thing", names)).toEqual([]);
  expect(nearest("x".repeat(100_000), names)).toEqual([]);
});
