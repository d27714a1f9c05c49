import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEnvFile } from "./env-file.ts";

const parse = (text: string) => Object.fromEntries(parseEnvFile(text, ".env"));

describe("parseEnvFile", () => {
  it("reads bare, quoted, exported and empty values, and comments", () => {
    const text = [
      "\ufeff# a comment",
      "A=1",
      "  export B = two words   # comment",
      "C=a#b=c",
      "D='single # \\n'",
      'E="double \\"x\\" \\n\\t\\\\ # " # comment',
      "F=",
      "G= # nothing",
      "",
      "H=$A\r",
    ].join("\n");
    expect(parse(text)).toEqual({
      A: "1",
      B: "two words",
      C: "a#b=c",
      D: "single # \\n",
      E: 'double "x" \n\t\\ # ',
      F: "",
      G: "",
      H: "$A",
    });
  });

  it.each(["nonsense", "1A=x", "A-B=x", 'A="open', "A='x' y", "A=1\nA=2"])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow(/^\.env line \d/);
  });

  it("reads what Node reads, for plain lines", () => {
    const name = fc.stringMatching(/^[A-Z_]{1,8}$/);
    const value = fc.stringMatching(/^[A-Za-z0-9+/=_.:-]{0,20}$/);
    fc.assert(
      fc.property(fc.dictionary(name, value), (variables) => {
        const text = Object.entries(variables)
          .map((pair) => `${pair.join("=")}\n`)
          .join("");
        expect(parse(text)).toEqual({ ...parseEnv(text) });
      }),
    );
  });
});
