import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalisePath } from "../lib/posix-path.ts";
import { matchPath, pathRuleProblem } from "./path-rule.ts";

const allows = (path: string, ...rules: string[]) => "rule" in matchPath(path, rules);

describe("matchPath", () => {
  test.each([
    ["/tmp", "/tmp", true],
    ["/tmp/a/b", "/tmp", true],
    ["/tmp/a", "/tmp/", true],
    ["/tmp/a", "/home/../tmp", true],
    ["/anything", "/", true],
    ["/tmp/a.txt", "/tmp/a.txt", true],
    ["/tmpfoo", "/tmp", false],
    ["/", "/tmp", false],
    ["/TMP/a", "/tmp", false],
    ["/tmp/../etc/passwd", "/tmp", false],
    ["/tmp/", "/tmp", false],
    ["//tmp/a", "/tmp", false],
    ["tmp/a", "/tmp", false],
    ["/tmp/\u0000", "/tmp", false],
    ["", "/", false],
    ["/tmp/a", "tmp", false],
  ])("I1 %j under %j: %s", (path, rule, allowed) => {
    expect(allows(path, rule)).toBe(allowed);
  });

  test("I1 an empty list allows nothing, and the answer names the narrowest entry", () => {
    expect(matchPath("/etc/passwd", [])).toMatchObject({ entry: "/etc/passwd" });
  });

  test("I1 what is allowed lies under a rule by whole components", () => {
    const part = fc.constantFrom("tmp", "tmpx", "tm", "home", "..", ".", "", "a");
    const path = fc.array(part, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(path, path, (asked, rule) => {
        const parts = (text: string) => normalisePath(text).split("/").filter(Boolean);
        const settled = normalisePath(asked);
        const below = parts(rule).every((name, index) => parts(settled)[index] === name);
        expect(allows(settled, rule)).toBe(below);
      }),
    );
  });
});

const corpus = new URL("../../../shared/corpora/traversal.txt", import.meta.url);
test.skipIf(!existsSync(corpus))(
  "I1 no traversal string leaves its folder (needs the corpora)",
  () => {
    const escaped = readFileSync(corpus, "utf8")
      .split("\n")
      .filter((line) => {
        const path = normalisePath(`/tmp/inside/${line}`);
        const inside = path === "/tmp/inside" || path.startsWith("/tmp/inside/");
        return allows(path, "/tmp/inside") && !inside;
      });
    expect(escaped).toEqual([]);
  },
);

test("entries are absolute", () => {
  expect(pathRuleProblem("/tmp")).toBeUndefined();
  for (const rule of ["tmp", "~/a", "", "./a", "/a\u0000"]) {
    expect(pathRuleProblem(rule)).toBeDefined();
  }
});
