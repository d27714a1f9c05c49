import { expect, test } from "vitest";
import { CircuitBreaker } from "./circuit-breaker.ts";

function breakerAt(): { breaker: CircuitBreaker; pass: (ms: number) => void } {
  let now = 0;
  const options = { threshold: 3, coolDownMs: 100, maxCoolDownMs: 300, now: () => now };
  return {
    breaker: new CircuitBreaker(options),
    pass: (ms) => {
      now += ms;
    },
  };
}

test("opens after so many failures in a row, and lets a probe through after a while", () => {
  const { breaker, pass } = breakerAt();
  breaker.fail();
  breaker.fail();
  breaker.succeed();
  breaker.fail();
  breaker.fail();
  expect(breaker.state).toBe("closed");
  breaker.fail();
  expect(breaker.state).toBe("open");
  expect(breaker.retryAfterMs).toBe(100);
  pass(99);
  expect(breaker.state).toBe("open");
  pass(1);
  expect(breaker.state).toBe("half-open");
  expect(breaker.retryAfterMs).toBe(0);
});

test("a probe that fails opens it for longer, up to a limit; one that succeeds closes it", () => {
  const { breaker, pass } = breakerAt();
  for (let failure = 0; failure < 3; failure++) breaker.fail();
  for (const expected of [200, 300, 300]) {
    pass(breaker.retryAfterMs);
    breaker.fail();
    expect(breaker.retryAfterMs).toBe(expected);
  }
  pass(300);
  breaker.succeed();
  expect(breaker.state).toBe("closed");
  for (let failure = 0; failure < 3; failure++) breaker.fail();
  expect(breaker.retryAfterMs).toBe(100);
});

test("calls that were under way when it opened do not prolong it", () => {
  const { breaker, pass } = breakerAt();
  for (let failure = 0; failure < 3; failure++) breaker.fail();
  pass(50);
  breaker.fail();
  expect(breaker.retryAfterMs).toBe(50);
});
