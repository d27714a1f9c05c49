import { expect, test } from "vitest";
import { encodeAuthority, makeCookie } from "./authority.ts";

test("an authority file holds one entry for every host and display", () => {
  const cookie = Uint8Array.from({ length: 16 }, (_, index) => index);
  expect(encodeAuthority(cookie).toString("latin1")).toBe(
    `\xff\xff\0\0\0\0\0\x12MIT-MAGIC-COOKIE-1\0\x10${Buffer.from(cookie).toString("latin1")}`,
  );
});

test("cookies are 128 bits and differ", () => {
  expect(makeCookie()).toHaveLength(16);
  expect(Buffer.from(makeCookie()).equals(makeCookie())).toBe(false);
});
