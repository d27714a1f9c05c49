import { describe, expect, it } from "vitest";
import { backoff, GIVE_UP_MS } from "./backoff.ts";

const HOUR = 3_600_000;

describe("backoff", () => {
  it("grows to an hour and stays there, so that three days are not many attempts", () => {
    const waits = Array.from({ length: 9 }, (_, index) => backoff(index + 1, 0, 0.5) / 1000);
    expect(waits).toEqual([1, 5, 30, 120, 600, 1800, 3600, 3600, 3600]);
    expect(GIVE_UP_MS / HOUR).toBe(72);
  });

  it("is a quarter more or less", () => {
    expect([backoff(3, 0, 0), backoff(3, 0, 1)]).toEqual([22_500, 37_500]);
  });

  it("is at least what the receiver asks for, up to an hour", () => {
    expect(backoff(1, 120_000, 0.5)).toBe(120_000);
    expect(backoff(4, 1, 0.5)).toBe(120_000);
    expect(backoff(1, 1000 * HOUR, 0.5)).toBe(HOUR);
  });
});
