import { GatewayError } from "../../contract/errors.ts";
import { markPath, markPoint, type Picture } from "../../lib/picture.ts";
import { encodePng } from "../../lib/png.ts";
import { SerialQueue, unlessAborted } from "../step/serial-queue.ts";
import type { Desktop, Point, Screenshot } from "./desktop.ts";
import { pixelsOf } from "./target-binding.ts";

/** ms after which nobody waits for a picture any more. */
const LOOK_MS = 30_000;

/** Takes screenshots of a desktop and remembers how large its screen is. */
export class Screen {
  readonly #desktop: Desktop;
  readonly #drawing = new SerialQueue();
  #looking: Promise<Picture> | undefined;
  #size: { readonly width: number; readonly height: number } | undefined;

  constructor(desktop: Desktop) {
    this.#desktop = desktop;
  }

  async capture(signal: AbortSignal): Promise<Screenshot> {
    const shot = await this.#desktop.capture(signal);
    this.#size = { width: shot.width, height: shot.height };
    return shot;
  }

  /**
   * A picture for a plan. Plans that are made at once share one, so that many of them keep nobody
   * from the desktop.
   */
  async look(signal: AbortSignal): Promise<Picture> {
    this.#looking ??= this.capture(AbortSignal.timeout(LOOK_MS))
      .then(pixelsOf)
      .finally(() => {
        this.#looking = undefined;
      });
    return await unlessAborted(this.#looking, signal);
  }

  /** The picture as a PNG, its targets marked; one at a time, because each takes a copy. */
  async draw(
    picture: Picture,
    targets: readonly Point[],
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return await this.#drawing.run(signal, () => encodePng(mark(picture, targets)));
  }

  /** Throws `invalid_request`, saying the size of the newest screenshot, for a point outside of it. */
  async requireInside(points: readonly Point[], signal: AbortSignal): Promise<void> {
    if (points.length === 0) return;
    const { width, height } = this.#size ?? (await this.capture(signal));
    const outside = points.find(({ x, y }) => x >= width || y >= height);
    if (outside === undefined) return;
    throw new GatewayError(
      "invalid_request",
      `${outside.x}, ${outside.y} is outside of the screen, which has ${width} by ${height} pixels`,
      { hint: `x goes from 0 to ${width - 1}, y from 0 to ${height - 1}.` },
    );
  }
}

function mark(picture: Picture, targets: readonly Point[]): Picture {
  const [only, ...more] = targets;
  return only !== undefined && more.length === 0
    ? markPoint(picture, only)
    : markPath(picture, targets);
}
