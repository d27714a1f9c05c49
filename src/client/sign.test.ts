import { describe, expect, test } from "vitest";
import { bodyMessage, requestMessage, SigningClock, signMessage } from "./sign.ts";

const SECRET = "correct horse battery staple";
const TIME = 1732406400123;

/** Made with Python: base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()). */
const BODY_VECTORS = [
  [
    '{"action":"fs.read","parameters":{"path":"/tmp/test.txt"}}',
    "yMOZRf8ppOY08hKwBmv55kJewXB0in5j4GUoxscfPC8=",
  ],
  [
    '{"action":"fs.write","parameters":{"path":"/tmp/ä.txt","content":"Grüße 👋"}}',
    "4LkvTvmAbKIOljy9cClUveGxsmOray0JzqBaTNGaXxI=",
  ],
] as const;

const REQUEST_VECTORS = [
  ["GET", "/tasks?status=running&limit=5", "", "J9+SCZ4bxkwB7hMKhOY+EHaQjC2UqJ/grbBSN4oJM5w="],
  ["POST", "/stop", '{"reason":"ärgerlich"}', "D3XSffOvKsG7Ie7aOKq1orI5OsJVeKNoNokpirQReuw="],
  [
    "post",
    "/tasks/task_AAAAAAAAAAAAAAAAAAAAAA/cancel",
    "",
    "tWz6O6InGObYiFDcdcbilhORoJoL9LwTRflKPoniOLc=",
  ],
] as const;

describe("signMessage", () => {
  test.each(BODY_VECTORS)("agrees with Python over the body %s", (body, signature) => {
    expect(signMessage(SECRET, bodyMessage(TIME, body))).toBe(signature);
  });

  test.each(REQUEST_VECTORS)("agrees with Python over %s %s", (method, target, body, signature) => {
    expect(signMessage(SECRET, requestMessage(TIME, method, target, body))).toBe(signature);
  });
});

describe("SigningClock", () => {
  test("I9 never gives the same message one millisecond twice", () => {
    const clock = new SigningClock(() => TIME);
    const given = Array.from({ length: 5000 }, () => clock.next("default", "GET", "/tasks", ""));
    expect(new Set(given).size).toBe(5000);
    expect(given[0]).toBe(TIME);
  });

  test("lets different messages share a millisecond", () => {
    const clock = new SigningClock(() => TIME);
    expect(clock.next("default", "ab", "c")).toBe(TIME);
    expect(clock.next("default", "a", "bc")).toBe(TIME);
    expect(clock.next("other", "ab", "c")).toBe(TIME);
  });

  test("keeps distinct timestamps when the clock is set back", () => {
    let now = TIME;
    const clock = new SigningClock(() => now);
    const first = clock.next("m");
    now -= 60_000;
    expect(clock.next("m")).toBeGreaterThan(first);
  });

  test("sweeps what is past and keeps what is not", () => {
    let now = TIME;
    const clock = new SigningClock(() => now);
    for (let at = 0; at < 2000; at += 1) clock.next("busy");
    now += 10;
    for (let at = 0; at < 2000; at += 1) clock.next(`message ${at}`);
    expect(clock.next("busy")).toBe(TIME + 2000);
  });
});
