export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Points a drag may pass. */
const MAX_POINTS = 200;

/**
 * A place on a picture as it is shown, in pixels of the screen that it shows; what lies beside it is at
 * its edge. `box` is where the picture stands, `at` the place in the same measure.
 */
export function toScreen(
  at: Point,
  box: Size & { readonly left: number; readonly top: number },
  screen: Size,
): Point {
  return {
    x: onAxis((at.x - box.left) / box.width, screen.width),
    y: onAxis((at.y - box.top) / box.height, screen.height),
  };
}

function onAxis(share: number, length: number): number {
  // A picture that has no size yet has no places either.
  const pixel = Number.isFinite(share) ? Math.floor(share * length) : 0;
  return Math.min(Math.max(pixel, 0), Math.max(length - 1, 0));
}

/** A way with as many points as a drag may have, its first and last among them. */
export function thinOut(path: readonly Point[]): readonly Point[] {
  if (path.length <= MAX_POINTS) return path;
  const step = (path.length - 1) / (MAX_POINTS - 1);
  return Array.from({ length: MAX_POINTS }, (_, index) => path[Math.round(index * step)] as Point);
}
