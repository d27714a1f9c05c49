import fc from "fast-check";
import { expect, it } from "vitest";
import { contentDisposition } from "./content-disposition.ts";

it.each([
  ["a.txt", 'attachment; filename="a.txt"'],
  [
    "naïve – €.txt",
    `attachment; filename="na_ve _ _.txt"; filename*=UTF-8''na%C3%AFve%20%E2%80%93%20%E2%82%AC.txt`,
  ],
  ["../../etc/passwd", 'attachment; filename="__.._etc_passwd"'],
  ["a\u202Egnp.exe", 'attachment; filename="a_gnp.exe"'],
  [
    `it's "50%".txt`,
    `attachment; filename="it's _50__.txt"; filename*=UTF-8''it%27s%20%2250%25%22.txt`,
  ],
  ["", 'attachment; filename=""'],
])("%j becomes %s", (name, expected) => {
  expect(contentDisposition("attachment", name)).toBe(expected);
});

it("I14 is one safe header line for every name, and gives the name back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
      const header = contentDisposition("inline", name);
      expect(header).toMatch(
        /^inline; filename="[\x20-\x7e]*"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*)?$/,
      );
      const [, extended] = header.split("UTF-8''");
      if (extended !== undefined) expect(decodeURIComponent(extended)).not.toMatch(/[/\\\p{Cc}]/u);
    }),
  );
});
