import { expect, test } from "vitest";
import { randomId } from "./random-id.ts";

test("ids have 128 bits each and never come twice", () => {
  const ids = Array.from({ length: 10_000 }, randomId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) {
    expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(Buffer.from(id, "base64url").some((byte) => byte !== 0)).toBe(true);
  }
});
