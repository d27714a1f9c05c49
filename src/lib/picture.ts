/** What a screen shows. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Row by row from the top, 3 bytes a pixel. */
  readonly rgb: Uint8Array;
}

/** Pixels from the left and from the top. */
interface Spot {
  readonly x: number;
  readonly y: number;
}

type Colour = readonly [red: number, green: number, blue: number];

/** One of the two stands out on any background. */
const DARK: Colour = [0, 0, 0];
const LIGHT: Colour = [255, 214, 0];

const RING_RADIUS = 15;
const ARM_START = 6;
const ARM_END = 23;
/** Half of the stroke's width, of the outline and of the core. */
const OUTLINE = 2.5;
const CORE = 1.2;

const CELLS = 16;
const CHANNELS = 3;
/** Out of 255: what re-rendering the same thing may change. */
const TOLERANCE = 16;

/** A copy with a target around the point, whose own pixel and neighbours stay visible. */
export function markPoint(picture: Picture, point: Spot): Picture {
  const marked = copyOf(picture);
  drawTarget(marked, inside(picture, point));
  return marked;
}

/** A copy with the way through the points and a target at its end. */
export function markPath(picture: Picture, points: readonly Spot[]): Picture {
  const marked = copyOf(picture);
  const way = points.map((point) => inside(picture, point));
  for (const [stroke, colour] of [
    [OUTLINE, DARK],
    [CORE, LIGHT],
  ] as const) {
    for (const [index, from] of way.entries()) {
      drawLine(marked, from, way[index + 1] ?? from, stroke, colour);
    }
  }
  const end = way.at(-1);
  if (end !== undefined) drawTarget(marked, end);
  return marked;
}

/**
 * The mean colour of each of 16×16 cells of the square around a point, from `radius` before it to
 * `radius` after it, without what lies outside of the picture; 3 bytes a cell, base64url.
 */
export function fingerprint(picture: Picture, centre: Spot, radius: number): string {
  const { x, y } = inside(picture, centre);
  const reach = Math.max(0, Math.round(radius));
  const left = Math.max(0, x - reach);
  const top = Math.max(0, y - reach);
  const width = Math.min(picture.width, x + reach + 1) - left;
  const height = Math.min(picture.height, y + reach + 1) - top;
  const cells = new Uint8Array(CELLS * CELLS * CHANNELS);
  for (let row = 0; row < CELLS; row += 1) {
    for (let column = 0; column < CELLS; column += 1) {
      const across = cellOf(left, width, column);
      const colour = meanColour(picture, across, cellOf(top, height, row));
      cells.set(colour, (row * CELLS + column) * CHANNELS);
    }
  }
  return Buffer.from(cells).toString("base64url");
}

/**
 * The share, 0 to 1, of the cells of two fingerprints that differ by more than 16 of 255 in red, green
 * or blue. What is no fingerprint differs wholly.
 */
export function difference(a: string, b: string): number {
  const [before, after] = [Buffer.from(a, "base64url"), Buffer.from(b, "base64url")];
  const cells = CELLS * CELLS;
  if (before.length !== cells * CHANNELS || after.length !== before.length) return 1;
  let changed = 0;
  for (let cell = 0; cell < cells; cell += 1) {
    const channels = [0, 1, 2].map((channel) => cell * CHANNELS + channel);
    const differs = (at: number) => Math.abs((before[at] ?? 0) - (after[at] ?? 0)) > TOLERANCE;
    if (channels.some(differs)) changed += 1;
  }
  return changed / cells;
}

function copyOf({ width, height, rgb }: Picture): Picture {
  // Uint8Array.from would iterate: 30 times as long, in which nobody else is answered.
  return { width, height, rgb: new Uint8Array(rgb) };
}

function inside({ width, height }: Picture, { x, y }: Spot): Spot {
  return { x: clamp(x, width), y: clamp(y, height) };
}

function clamp(value: number, size: number): number {
  return Math.min(Math.max(0, Math.round(value) || 0), size - 1);
}

function drawTarget(picture: Picture, { x, y }: Spot): void {
  const reach = ARM_END + Math.ceil(OUTLINE);
  for (let down = -reach; down <= reach; down += 1) {
    for (let right = -reach; right <= reach; right += 1) {
      const distance = distanceToTarget(right, down);
      if (distance <= CORE) paint(picture, x + right, y + down, LIGHT);
      else if (distance <= OUTLINE) paint(picture, x + right, y + down, DARK);
    }
  }
}

/** From a point, as seen from the middle, to the nearest stroke of ring or cross. */
function distanceToTarget(right: number, down: number): number {
  const ring = Math.abs(Math.hypot(right, down) - RING_RADIUS);
  const [along, beside] = [Math.abs(right), Math.abs(down)].sort((a, b) => b - a) as [
    number,
    number,
  ];
  const arm = Math.hypot(
    beside,
    along < ARM_START ? ARM_START - along : Math.max(0, along - ARM_END),
  );
  return Math.min(ring, arm);
}

/**
 * Draws with a round pen, of which each step paints only what the one before has not: a plan may name
 * 200 points that cross the whole screen, and what this costs all others wait for.
 */
function drawLine(picture: Picture, from: Spot, to: Spot, stroke: number, colour: Colour): void {
  const steps = Math.max(1, Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  const pen = discOf(stroke);
  const edges = new Map<number, readonly Spot[]>();
  let [lastX, lastY] = [from.x, from.y];
  for (const { x, y } of pen) paint(picture, lastX + x, lastY + y, colour);
  for (let step = 1; step <= steps; step += 1) {
    const x = Math.round(from.x + ((to.x - from.x) * step) / steps);
    const y = Math.round(from.y + ((to.y - from.y) * step) / steps);
    const [right, down] = [x - lastX, y - lastY];
    const move = right * 3 + down;
    const edge = edges.get(move) ?? edgeOf(pen, right, down);
    edges.set(move, edge);
    for (const spot of edge) paint(picture, x + spot.x, y + spot.y, colour);
    [lastX, lastY] = [x, y];
  }
}

/** The pixels of a disc, as seen from its middle. */
function discOf(radius: number): Spot[] {
  const reach = Math.floor(radius);
  const across = Array.from({ length: 2 * reach + 1 }, (_, index) => index - reach);
  return across.flatMap((y) =>
    across.filter((x) => Math.hypot(x, y) <= radius).map((x) => ({ x, y })),
  );
}

/** What a pen covers after a move of at most a pixel each way and did not cover before. */
function edgeOf(pen: readonly Spot[], right: number, down: number): readonly Spot[] {
  return pen.filter(({ x, y }) => !pen.some((old) => old.x === x + right && old.y === y + down));
}

function paint({ width, height, rgb }: Picture, x: number, y: number, colour: Colour): void {
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  const at = (y * width + x) * 3;
  rgb[at] = colour[0];
  rgb[at + 1] = colour[1];
  rgb[at + 2] = colour[2];
}

/** Where a cell begins and ends; in a side shorter than 16 pixels neighbours share one. */
function cellOf(start: number, length: number, index: number): readonly [number, number] {
  const from = start + Math.floor((index * length) / CELLS);
  return [from, Math.max(from + 1, start + Math.floor(((index + 1) * length) / CELLS))];
}

function meanColour(
  { width, rgb }: Picture,
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
): Colour {
  const sum: [number, number, number] = [0, 0, 0];
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) {
      const at = (y * width + x) * 3;
      sum[0] += rgb[at] ?? 0;
      sum[1] += rgb[at + 1] ?? 0;
      sum[2] += rgb[at + 2] ?? 0;
    }
  }
  const pixels = (right - left) * (bottom - top);
  return [Math.round(sum[0] / pixels), Math.round(sum[1] / pixels), Math.round(sum[2] / pixels)];
}
