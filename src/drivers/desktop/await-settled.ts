import { difference, fingerprint, type Picture } from "../../lib/picture.ts";
import { pause } from "../step/pause.ts";

/** ms each. */
export interface SettlingTimes {
  /** Between two screenshots. */
  readonly pause: number;
  /** A screen that has not changed by then will not. */
  readonly unchanged: number;
  /** The longest that is waited. */
  readonly limit: number;
}

/** Share of the cells of a whole screen: more than a blinking caret or a clock. */
const CHANGED = 0.03;
const STILL = 0.01;

/** The screen at a glance: what `isSettled` compares. */
export function glanceAt(picture: Picture): string {
  const { width, height } = picture;
  const centre = { x: Math.floor(width / 2), y: Math.floor(height / 2) };
  return fingerprint(picture, centre, Math.max(width, height));
}

/**
 * Waits until the screen looks otherwise than `before` and then the same twice, as after a window has
 * opened or a page has loaded; at most for the times given. Never rejects for a busy screen. Resolves
 * with whether it looks otherwise.
 */
export async function awaitSettled(
  look: () => Promise<Picture>,
  before: string,
  times: SettlingTimes,
  signal: AbortSignal,
): Promise<boolean> {
  const start = performance.now();
  const passed = (): number => performance.now() - start;
  let last = before;
  let isChanged = false;
  while (passed() < times.limit) {
    await pause(times.pause, signal);
    const now = glanceAt(await look());
    isChanged = difference(before, now) > CHANGED;
    const isStill = difference(last, now) <= STILL;
    if (isStill && (isChanged || passed() >= times.unchanged)) return isChanged;
    last = now;
  }
  return isChanged;
}
