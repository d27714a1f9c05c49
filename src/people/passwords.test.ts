import { expect, it } from "vitest";
import { Passwords } from "./passwords.ts";

it("knows a password again, however its letters were composed, and keeps only a salted hash", async () => {
  const passwords = new Passwords();
  const [one, two] = await Promise.all([
    passwords.hash("naïve horses"),
    passwords.hash("naïve horses"),
  ]);
  expect(one).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  expect(one).not.toBe(two);
  expect(await passwords.verify("nai\u0308ve horses", one)).toBe(true);
  expect(await passwords.verify("naive horses", one)).toBe(false);
});

it("matches nobody's", async () => {
  expect(await new Passwords().verify("", undefined)).toBe(false);
});

it("computes two at a time, lets eight wait and refuses more, and works on afterwards", async () => {
  const passwords = new Passwords();
  const many = Array.from({ length: 12 }, () => passwords.verify("guess", undefined));
  const settled = await Promise.allSettled(many);
  const refused = settled.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(2);
  expect(refused[0]).toMatchObject({ reason: { code: "rate_limited" } });
  expect(await passwords.verify("guess", undefined)).toBe(false);
}, 60_000);
