import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure } from "../../../test/support/drivers/embedded/fixtures.ts";
import { GatewayError } from "../../contract/errors.ts";
import { splitPath } from "./split-path.ts";

describe("splitPath", () => {
  test.each([
    ["/", { directories: [], name: undefined }],
    ["/a", { directories: [], name: "a" }],
    ["/a/b/c.txt", { directories: ["a", "b"], name: "c.txt" }],
    ["/tmp/..a/b..", { directories: ["tmp", "..a"], name: "b.." }],
    ["/tmp/..\\..\\etc", { directories: ["tmp"], name: "..\\..\\etc" }],
    [`/${"n".repeat(255)}`, { directories: [], name: "n".repeat(255) }],
  ])("takes %j apart", (path, expected) => {
    expect(splitPath(path)).toEqual(expected);
  });

  test.each([
    ["", "invalid_request"],
    ["a", "invalid_request"],
    ["./a", "invalid_request"],
    ["//", "invalid_request"],
    ["/a/", "invalid_request"],
    ["/a//b", "invalid_request"],
    ["/a\0b", "invalid_request"],
    ["/a\ud800b", "invalid_request"],
    [`/${"n".repeat(256)}`, "invalid_request"],
    [`/${"ü".repeat(128)}`, "invalid_request"],
    [`/${"n/".repeat(2100)}n`, "invalid_request"],
    [`/${"a/".repeat(100)}a`, "invalid_request"],
    ["/.", "path_not_allowed"],
    ["/..", "path_not_allowed"],
    ["/a/../b", "path_not_allowed"],
    ["/a/.", "path_not_allowed"],
  ])("refuses %j", (path, code) => {
    expect(() => splitPath(path)).toThrow(expect.objectContaining(failure(code)));
  });

  test("whatever the string, a component is a plain name or the path is refused", () => {
    const piece = fc.oneof(
      fc.constantFrom(".", "..", "/", "\0", "\\", "~", "\ud800", "%2e%2e", "a"),
      fc.string({ unit: "binary" }),
    );
    const path = fc.array(piece, { maxLength: 20 }).map((pieces) => `/${pieces.join("")}`);
    fc.assert(
      fc.property(path, (candidate) => {
        try {
          const { directories, name } = splitPath(candidate);
          const names = name === undefined ? directories : [...directories, name];
          expect(`/${names.join("/")}`).toBe(candidate);
          for (const plain of names) {
            expect(plain).not.toMatch(/^\.{0,2}$|[/\0]/);
            expect(Buffer.from(plain).toString()).toBe(plain);
          }
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});
