import { GatewayError } from "../../contract/errors.ts";
import type { TargetCheck } from "../../contract/policy.ts";
import { difference, fingerprint, type Picture } from "../../lib/picture.ts";
import { decodePng } from "../../lib/png.ts";
import type { FocusedWindow, Point, Screenshot } from "./desktop.ts";

// What a plan binds of a screen, in `step.bound`:
//
// `screen:X,Y` → `RADIUS:FINGERPRINT`: the square of RADIUS pixels around the point, as `fingerprint`
//   of lib/picture.ts describes it. Compared with the tolerance that policy has when the step runs.
// `focus` → the identity of the window that had the focus, `none` where there was none.

const SCREEN = "screen:";
const FOCUS = "focus";
const NO_WINDOW = "none";

/** A screen of 8K has 33 million. */
const MAX_PIXELS = 40_000_000;

export type Bound = Readonly<Record<string, string>>;

/** The pixels of a screenshot; throws `desktop_unavailable` for a picture that is broken. */
export async function pixelsOf(shot: Screenshot): Promise<Picture> {
  try {
    return await decodePng(shot.png, { maxPixels: MAX_PIXELS });
  } catch (error) {
    throw new GatewayError(
      "desktop_unavailable",
      "the desktop's screenshot cannot be read",
      { hint: "Take a screenshot to see what it gives; its screen may be of an unusual kind." },
      error,
    );
  }
}

export function bindTarget(picture: Picture, { x, y }: Point, radius: number): Bound {
  return { [`${SCREEN}${x},${y}`]: `${radius}:${fingerprint(picture, { x, y }, radius)}` };
}

export function bindFocus(focus: FocusedWindow | undefined): Bound {
  return { [FOCUS]: focus?.identity ?? NO_WINDOW };
}

export function bindsScreen(bound: Bound): boolean {
  return Object.keys(bound).some((name) => name.startsWith(SCREEN));
}

export function bindsFocus(bound: Bound): boolean {
  return bound[FOCUS] !== undefined;
}

/** Throws `state_changed` where what is around a bound point differs by more than is tolerated. */
export function holdToScreen(bound: Bound, picture: Picture, { tolerance }: TargetCheck): void {
  for (const [name, value] of Object.entries(bound)) {
    const [, x, y] = /^screen:(\d+),(\d+)$/.exec(name) ?? [];
    if (x === undefined || y === undefined) continue;
    const [radius = "", expected = ""] = value.split(":");
    const now = fingerprint(picture, { x: Number(x), y: Number(y) }, Number(radius));
    if (difference(expected, now) <= tolerance) continue;
    throw new GatewayError(
      "state_changed",
      `the screen around ${x}, ${y} is not as it was when this was planned`,
      { hint: "Plan again: the new preview shows the screen as it is now. See target_check." },
    );
  }
}

/** Throws `state_changed` where another window has the focus than when it was planned. */
export function holdToFocus(bound: Bound, focus: FocusedWindow | undefined): void {
  if (bound[FOCUS] === (focus?.identity ?? NO_WINDOW)) return;
  throw new GatewayError(
    "state_changed",
    "another window has the focus than when this was planned",
    { hint: "Click into the window that is meant, then plan again." },
  );
}
