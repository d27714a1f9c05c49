import { createSecretKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeMac, isMac } from "./mac.ts";

interface Vector {
  tcId: number;
  key: string;
  msg: string;
  tag: string;
  result: "valid" | "invalid";
}

const corpus = resolve(import.meta.dirname, "../../../shared/corpora/wycheproof-hmac-sha256.json");

describe.skipIf(!existsSync(corpus))(
  "Wycheproof vectors (skipped where corpora/ is absent)",
  () => {
    const groups: { tagSize: number; tests: Vector[] }[] = existsSync(corpus)
      ? JSON.parse(readFileSync(corpus, "utf8")).testGroups
      : [];
    const vectors = (full: boolean) =>
      groups.filter(({ tagSize }) => (tagSize === 256) === full).flatMap(({ tests }) => tests);
    const bytes = (hex: string) => Buffer.from(hex, "hex");

    const accepts = ({ key, msg, tag }: Vector): boolean => {
      const mac = decodeMac(bytes(tag).toString("base64"));
      return mac !== undefined && isMac(mac, createSecretKey(bytes(key)), "", bytes(msg));
    };

    it("takes and refuses the 87 full-length ones as labelled", () => {
      expect(vectors(true)).toHaveLength(87);
      const wrong = vectors(true).filter(
        (vector) => accepts(vector) !== (vector.result === "valid"),
      );
      expect(wrong).toEqual([]);
    });

    it("refuses all 87 truncated ones", () => {
      expect(vectors(false)).toHaveLength(87);
      expect(vectors(false).filter(accepts)).toEqual([]);
    });
  },
);

describe("decodeMac", () => {
  const mac = Buffer.alloc(32, 0xfb);

  it.each([
    mac.toString("base64"),
    mac.toString("base64").replace("=", ""),
    mac.toString("base64url"),
    ` ${mac.toString("base64")}\t`,
  ])("reads the spelling %j as the same bytes", (spelling) => {
    expect(decodeMac(spelling)).toEqual(mac);
  });

  it.each([
    "",
    mac.toString("hex"),
    mac.subarray(1).toString("base64"),
    Buffer.alloc(33).toString("base64"),
    `${mac.toString("base64")}${" ".repeat(300)}`,
  ])("refuses %j", (spelling) => {
    expect(decodeMac(spelling)).toBeUndefined();
  });
});
