import { GatewayError } from "../../contract/errors.ts";
import type { Desktop, Point, Screenshot } from "./desktop.ts";

/** Takes screenshots of a desktop and remembers how large its screen is. */
export class Screen {
  readonly #desktop: Desktop;
  #size: { readonly width: number; readonly height: number } | undefined;

  constructor(desktop: Desktop) {
    this.#desktop = desktop;
  }

  async capture(signal: AbortSignal): Promise<Screenshot> {
    const shot = await this.#desktop.capture(signal);
    this.#size = { width: shot.width, height: shot.height };
    return shot;
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
