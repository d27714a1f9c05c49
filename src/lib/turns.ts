import { setImmediate } from "node:timers/promises";

/** ms that work may hold the event loop before others have a turn. */
const SLICE_MS = 10;

/** From so many bytes or characters on, work is worth dividing. */
export const LARGE = 256 * 1024;

/** Does work that yields wherever it may pause, letting others have a turn every few milliseconds. */
export async function inTurns<Result>(work: Generator<void, Result>): Promise<Result> {
  let begun = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() - begun < SLICE_MS) continue;
    await setImmediate();
    begun = performance.now();
  }
}

/** Does the same without a pause. */
export function atOnce<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Lets others have a turn before work on something large goes on. */
export async function afterOthers(size: number): Promise<void> {
  if (size >= LARGE) await setImmediate();
}
