import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { addCaption } from "../lib/caption.ts";
import { decodePng, encodePng, readPngSize } from "../lib/png.ts";
import { fitPicture } from "../lib/scale-picture.ts";

/** Largest picture that is scaled, in pixels: somewhat more than 4K. */
const MAX_PIXELS = 10_000_000;
/** Largest file that is read for it, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Makes smaller copies of pictures, for models, which shrink large ones themselves and then aim
 * beside what they see. One at a time: each takes up to a hundred megabytes of memory for a moment.
 */
export class PictureScaler {
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * A PNG with no side of the picture longer than `maxSide` pixels and, below it, a line that says by
   * what to multiply. Undefined where the picture fits as it is, or is none that can be scaled.
   */
  async scale(
    { media_type, size }: { readonly media_type: string; readonly size: number },
    open: () => Promise<Readable>,
    maxSide: number,
  ): Promise<Uint8Array | undefined> {
    if (media_type !== "image/png" || size > MAX_BYTES) return undefined;
    const work = this.#turn.then(async () => scalePng(await buffer(await open()), maxSide));
    this.#turn = work.catch(() => {});
    return await work;
  }
}

async function scalePng(png: Uint8Array, maxSide: number): Promise<Uint8Array | undefined> {
  try {
    const { width, height } = readPngSize(png);
    if (Math.max(width, height) <= maxSide) return undefined;
    const picture = await decodePng(png, { maxPixels: MAX_PIXELS });
    const small = await fitPicture(picture, maxSide);
    return await encodePng(addCaption(small, captionOf(width / small.width, width, height)));
  } catch {
    // Broken, or of a kind that is not read: it is served as it is.
    return undefined;
  }
}

function captionOf(factor: number, width: number, height: number): string {
  return `Scaled down: multiply positions by ${factor.toFixed(4)}. The whole has ${width} x ${height} pixels.`;
}
