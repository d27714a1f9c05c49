import { promisify } from "node:util";
import { crc32, deflate } from "node:zlib";

export type Colour = readonly [red: number, green: number, blue: number];

const BACKGROUND: Colour = [40, 60, 90];

/** A screen of coloured rectangles that only the test paints on. */
export class VirtualScreen {
  readonly width: number;
  readonly height: number;
  readonly #rgb: Buffer;
  #png: Promise<Buffer> | undefined;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#rgb = Buffer.alloc(width * height * 3);
    this.fill(0, 0, width, height, BACKGROUND);
  }

  /** Paints a rectangle; what of it lies outside of the screen is left out. */
  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    const [left, right] = [Math.max(0, x), Math.min(this.width, x + width)];
    const line = Buffer.alloc(Math.max(0, right - left) * 3, Buffer.from(colour));
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row += 1)
      line.copy(this.#rgb, (row * this.width + left) * 3);
    this.#png = undefined;
  }

  png(): Promise<Buffer> {
    this.#png ??= encodeRgb(this.width, this.height, this.#rgb);
    return this.#png;
  }
}

const compress = promisify(deflate);

/** A PNG of 8 bits a channel, from three bytes a pixel. */
export async function encodeRgb(width: number, height: number, rgb: Uint8Array): Promise<Buffer> {
  const line = width * 3;
  const rows = Buffer.alloc((line + 1) * height);
  for (let row = 0; row < height; row += 1)
    rows.set(rgb.subarray(row * line, (row + 1) * line), row * (line + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits, true colour.
  header.set([8, 2], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", await compress(rows, { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}
