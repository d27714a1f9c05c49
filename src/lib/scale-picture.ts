import { setImmediate as breathe } from "node:timers/promises";
import type { Picture } from "./picture.ts";

/** Pixels that are worked on before others get their turn: a few milliseconds. */
const PIXELS_AT_ONCE = 100_000;

/** For each pixel of the result, the first pixel of the original and how much of each one it covers. */
interface Span {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * The picture with no side longer than `maxSide`, its shape kept; each pixel is the mean of what it
 * covers. A picture that fits is given back as it is.
 */
export async function fitPicture(picture: Picture, maxSide: number): Promise<Picture> {
  const { width, height } = fittingSize(picture, maxSide);
  if (width === picture.width && height === picture.height) return picture;
  const across = spans(picture.width, width);
  const down = spans(picture.height, height);
  const rgb = new Uint8Array(width * height * 3);
  // As wide as the result, and one row of it.
  const sum = new Float64Array(width * 3);
  let worked = 0;
  for (const [y, { first, weights }] of down.entries()) {
    sum.fill(0);
    for (const [index, weight] of weights.entries()) {
      addRow(picture, first + index, across, weight, sum);
    }
    for (let at = 0; at < sum.length; at += 1) rgb[y * sum.length + at] = Math.round(sum[at] ?? 0);
    worked += picture.width * weights.length;
    if (worked < PIXELS_AT_ONCE) continue;
    worked = 0;
    await breathe();
  }
  return { width, height, rgb };
}

/** The size, in pixels, that `fitPicture` gives a picture. */
export function fittingSize(
  { width, height }: Pick<Picture, "width" | "height">,
  maxSide: number,
): { readonly width: number; readonly height: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

function spans(from: number, to: number): Span[] {
  const step = from / to;
  return Array.from({ length: to }, (_, index) => {
    const [start, end] = [index * step, Math.min(from, (index + 1) * step)];
    const first = Math.floor(start);
    const weights: number[] = [];
    for (let pixel = first; pixel < Math.ceil(end); pixel += 1) {
      const covered = Math.min(end, pixel + 1) - Math.max(start, pixel);
      weights.push(covered / (end - start));
    }
    return { first, weights };
  });
}

function addRow(
  { width, rgb }: Picture,
  row: number,
  across: readonly Span[],
  weight: number,
  sum: Float64Array,
): void {
  for (let x = 0; x < across.length; x += 1) {
    const span = across[x];
    if (span === undefined) continue;
    for (let index = 0; index < span.weights.length; index += 1) {
      const share = (span.weights[index] ?? 0) * weight;
      const from = (row * width + span.first + index) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        const at = x * 3 + channel;
        sum[at] = (sum[at] ?? 0) + share * (rgb[from + channel] ?? 0);
      }
    }
  }
}
