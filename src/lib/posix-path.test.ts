import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "../../test/support/lib/fixtures.ts";
import { baseName, isWithin, normalisePath, pathProblem } from "./posix-path.ts";

const part = fc.oneof(
  fc.constantFrom("", ".", "..", "...", "tmp", "a b", ".ssh"),
  anyText.filter((text) => !text.includes("/")),
);
const anyPath = fc.array(part, { maxLength: 8 }).map((parts) => parts.join("/"));

describe("normalisePath", () => {
  test.each([
    ["/tmp/test.txt", "/tmp/test.txt"],
    ["/tmp//a/./b/", "/tmp/a/b"],
    ["/tmp/../etc/passwd", "/etc/passwd"],
    ["/../../..", "/"],
    ["notes.txt", "/home/user/Desktop/notes.txt"],
    ["../a", "/home/user/a"],
    ["../../../../../etc", "/etc"],
    ["~/a", "/home/user/Desktop/~/a"],
    ["/tmp/..a/...", "/tmp/..a/..."],
  ])("%s is %s", (path, normal) => {
    expect(normalisePath(path, "/home/user/Desktop")).toBe(normal);
  });

  test("agrees with Node's POSIX resolution, is absolute and settled", () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const normal = normalisePath(path, "/home/user");
        expect(normal).toBe(posix.resolve("/home/user", path));
        expect(normalisePath(normal)).toBe(normal);
        expect(normal.split("/")).not.toContain("..");
      }),
    );
  });
});

describe("isWithin", () => {
  test.each([
    ["/tmp", "/tmp", true],
    ["/tmp/a", "/tmp", true],
    ["/tmpfoo", "/tmp", false],
    ["/", "/tmp", false],
    ["/etc", "/", true],
  ])("%s within %s: %s", (path, folder, within) => {
    expect(isWithin(path, folder)).toBe(within);
  });
});

describe("pathProblem", () => {
  test.each([
    ["", /empty/],
    ["/tmp/\u0000a", /control/],
    ["/tmp/a\nb", /control/],
    ["/tmp/\u0085", /control/],
    ["/tmp/\ud800", /surrogate/],
    [`/${"a/".repeat(2048)}`, /4096 bytes/],
    [`/${"é".repeat(128)}`, /255 bytes/],
  ])("refuses %j", (path, problem) => {
    expect(pathProblem(path)).toMatch(problem);
  });

  test("takes any other name a file may have", () => {
    for (const path of ["/tmp/a b", "/tmp/$(id)", "/tmp/日本", `/${"a".repeat(255)}`, "~"]) {
      expect(pathProblem(path)).toBeUndefined();
    }
  });
});

test("baseName", () => {
  expect(["/tmp/a.txt", "/", "/a"].map(baseName)).toEqual(["a.txt", "", "a"]);
});
