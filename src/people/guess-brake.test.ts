import { expect, it } from "vitest";
import { GatewayError } from "../contract/errors.ts";
import { GuessBrake } from "./guess-brake.ts";

function braked(work: () => void): number | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).toBe("rate_limited");
    return error.extras.retry_after;
  }
}

function create() {
  const clock = { now: 1_000_000 };
  const brake = new GuessBrake(() => clock.now);
  const guess = (id: string) => {
    const wait = braked(() => brake.begin(id));
    if (wait === undefined) brake.failed(id);
    return wait;
  };
  return { clock, brake, guess };
}

it("lets five through, then makes each wait twice as long, up to a minute", () => {
  const { clock, guess } = create();
  const waits: (number | undefined)[] = [];
  for (let count = 0; count < 5; count++) expect(guess("anna")).toBeUndefined();
  for (let count = 0; count < 8; count++) {
    const wait = guess("anna");
    waits.push(wait);
    clock.now += (wait ?? 0) * 1000;
    expect(guess("anna")).toBeUndefined();
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
});

it("forgets after a success, and after a quarter of an hour", () => {
  const { clock, brake, guess } = create();
  for (let count = 0; count < 4; count++) guess("anna");
  brake.begin("anna");
  brake.succeeded("anna");
  for (let count = 0; count < 5; count++) expect(guess("anna")).toBeUndefined();
  expect(guess("anna")).toBe(1);
  clock.now += 15 * 60_000 + 1;
  expect(guess("anna")).toBeUndefined();
  expect(guess("anna")).toBeUndefined();
});

it("attempts under way count, so that many at once are slowed as well", () => {
  const { brake } = create();
  const waits = Array.from({ length: 10 }, () => braked(() => brake.begin("anna")));
  expect(waits.filter((wait) => wait === undefined)).toHaveLength(5);
});

it("bounds wrong ones over all accounts in a minute", () => {
  const { clock, guess } = create();
  const waits = Array.from({ length: 100 }, (_, index) => guess(`id-${index}`));
  expect(waits.filter((wait) => wait === undefined)).toHaveLength(60);
  expect(waits.at(-1)).toBe(60);
  clock.now += 60_000;
  expect(guess("id-0")).toBeUndefined();
});

it("says once that an account is slowed down", () => {
  const { brake } = create();
  const told: boolean[] = [];
  for (let count = 0; count < 5; count++) {
    brake.begin("anna");
    told.push(brake.hasJustSlowed("anna"));
  }
  expect(told).toEqual([false, false, false, false, true]);
});
