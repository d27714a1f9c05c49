import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { GatewayError } from "../contract/errors.ts";
import { LoginThrottle } from "./login-throttle.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** How an attempt ends: let through, or the seconds it is told to wait. */
async function braked(work: Promise<void>): Promise<number | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).toBe("rate_limited");
    return error.extras.retry_after;
  }
}

function create() {
  const throttle = new LoginThrottle(Date.now);
  const guess = async (id: string, ip = "192.0.2.1") => {
    const wait = await braked(throttle.begin(id, ip));
    if (wait === undefined) throttle.failed(id, ip);
    return wait;
  };
  /** Wrong ones over many addresses and ids, as fast as they are let through. */
  const flood = async (count: number) => {
    for (let index = 0; index < count; index++) await guess(`id-${index}`, `198.51.100.${index}`);
  };
  return { throttle, guess, flood };
}

it("lets five through, then makes each wait twice as long, up to a minute", async () => {
  const { guess } = create();
  const waits: (number | undefined)[] = [];
  for (let count = 0; count < 5; count++) expect(await guess("anna")).toBeUndefined();
  for (let count = 0; count < 8; count++) {
    const wait = await guess("anna");
    waits.push(wait);
    vi.advanceTimersByTime((wait ?? 0) * 1000);
    expect(await guess("anna")).toBeUndefined();
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
});

it("forgets after a success, and after a quarter of an hour", async () => {
  const { throttle, guess } = create();
  for (let count = 0; count < 4; count++) await guess("anna");
  await throttle.begin("anna", "192.0.2.1");
  throttle.succeeded("anna", "192.0.2.1");
  for (let count = 0; count < 5; count++) expect(await guess("anna")).toBeUndefined();
  expect(await guess("anna")).toBe(1);
  vi.advanceTimersByTime(15 * 60_000 + 1);
  expect(await guess("anna")).toBeUndefined();
  expect(await guess("anna")).toBeUndefined();
});

it("attempts under way count, so that many at once are slowed as well", async () => {
  const { throttle } = create();
  const attempts = Array.from({ length: 10 }, (_, index) =>
    braked(throttle.begin(`id-${index}`, "192.0.2.1")),
  );
  const waits = await Promise.all(attempts);
  expect(waits.filter((wait) => wait === undefined)).toHaveLength(4);
  expect(await braked(throttle.begin("anna", "192.0.2.2"))).toBeUndefined();
});

it("wrong ones for an account keep nobody out who comes from elsewhere", async () => {
  const { guess } = create();
  for (let count = 0; count < 20; count++) await guess("anna");
  expect(await guess("anna")).toBeGreaterThan(0);
  const anna = guess("anna", "192.0.2.2");
  await vi.advanceTimersByTimeAsync(1000);
  expect(await anna).toBeUndefined();
  // Guessing from many addresses is paused from each one's second on.
  expect(await guess("anna", "192.0.2.2")).toBeGreaterThan(0);
});

it("many wrong ones over all shut nobody out: they take turns, one a second", async () => {
  const { throttle, guess, flood } = create();
  await flood(60);
  let through = 0;
  const waiting = Array.from({ length: 5 }, (_, index) =>
    guess(`more-${index}`, `198.51.100.${index}`).then(() => through++),
  );
  await vi.advanceTimersByTimeAsync(0);
  expect(through).toBe(1);
  // Who has done nothing wrong is next.
  const anna = braked(throttle.begin("anna", "192.0.2.2"));
  await vi.advanceTimersByTimeAsync(1000);
  expect(await anna).toBeUndefined();
  expect(through).toBe(1);
  await vi.advanceTimersByTimeAsync(4000);
  await Promise.all(waiting);
  expect(through).toBe(5);
});

it("where too many wait, who failed most makes room, and one address has two places", async () => {
  const { guess, flood } = create();
  await flood(60);
  const waiting = Array.from({ length: 21 }, (_, index) =>
    guess(`more-${index}`, `198.51.100.${index}`),
  );
  expect(await waiting[20]).toBeGreaterThan(0);
  const anna = guess("anna", "192.0.2.2");
  expect(await waiting[19]).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await anna).toBeUndefined();
  await vi.advanceTimersByTimeAsync(30_000);
  await Promise.all(waiting);
  vi.advanceTimersByTime(60_000);
  await flood(60);
  const [, , third] = Array.from({ length: 3 }, (_, index) => guess(`x-${index}`, "192.0.2.9"));
  expect(await third).toBeGreaterThan(0);
});

it("one address that guesses at many accounts waits for its turn, others do not", async () => {
  const { guess } = create();
  for (let count = 0; count < 20; count++) await guess(`id-${count}`);
  const next = guess("id-20");
  const after = guess("id-21");
  let isThrough = false;
  after.then(() => {
    isThrough = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  expect([await next, isThrough]).toEqual([undefined, false]);
  expect(await guess("anna", "192.0.2.2")).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1000);
  expect(await after).toBeUndefined();
});

it("all addresses of one IPv6 network are one, and IPv4 may be written as IPv6", async () => {
  const { guess } = create();
  for (let count = 0; count < 5; count++) await guess("anna", `2001:db8:0:1::${count}`);
  expect(await guess("anna", "2001:db8:0:1:ffff::1")).toBe(1);
  const { guess: other } = create();
  for (let count = 0; count < 5; count++) await other("anna", "::ffff:192.0.2.1");
  expect(await other("anna", "192.0.2.1")).toBe(1);
});

it("says once that an account is slowed down", async () => {
  const { throttle } = create();
  const told: boolean[] = [];
  for (let count = 0; count < 5; count++) {
    await throttle.begin("anna", "192.0.2.1");
    told.push(throttle.hasJustSlowed("anna"));
    throttle.failed("anna", "192.0.2.1");
  }
  expect(told).toEqual([false, false, false, false, true]);
});
