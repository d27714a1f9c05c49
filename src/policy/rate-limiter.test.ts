import fc from "fast-check";
import { expect, test } from "vitest";
import { RateLimiter } from "./rate-limiter.ts";

test("a minute's worth at once, then evenly, each key for itself", () => {
  let now = 0;
  const limiter = new RateLimiter({ now: () => now });
  const take = (key: string) => limiter.take(key, 60);
  for (let i = 0; i < 60; i += 1) expect(take("a")).toEqual({ ok: true });
  expect(take("a")).toEqual({ ok: false, retryAfter: 1 });
  expect(take("b")).toEqual({ ok: true });
  now = 1000;
  expect(take("a")).toEqual({ ok: true });
  expect(take("a")).toEqual({ ok: false, retryAfter: 1 });
  expect(limiter.take("c", 1)).toEqual({ ok: true });
  expect(limiter.take("c", 1)).toEqual({ ok: false, retryAfter: 60 });
});

test("I10 after retryAfter there is one; over a minute never more than twice the limit", () => {
  const rate = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(rate, fc.array(fc.nat(2000), { maxLength: 300 }), (perMinute, gaps) => {
      let now = 0;
      const limiter = new RateLimiter({ now: () => now });
      const granted: number[] = [];
      for (const gap of gaps) {
        now += gap;
        const taken = limiter.take("k", perMinute);
        if (taken.ok) granted.push(now);
      }
      expect(granted.filter((at) => at > now - 60_000).length).toBeLessThanOrEqual(2 * perMinute);
      let taken = limiter.take("k", perMinute);
      while (taken.ok) taken = limiter.take("k", perMinute);
      now += taken.retryAfter * 1000;
      expect(limiter.take("k", perMinute)).toEqual({ ok: true });
    }),
    { numRuns: 50 },
  );
});

test("I10 memory is bounded whatever keys come", () => {
  const limiter = new RateLimiter({ maxKeys: 100 });
  for (let i = 0; i < 10_000; i += 1) limiter.take(`key${i}`, 10);
  expect(limiter.size).toBe(100);
});
