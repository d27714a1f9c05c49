import type { Picture } from "../../../lib/picture.ts";
import type { XConnection } from "./x-connection.ts";

const Z_PIXMAP = 2;
const ALL_PLANES = 0xffffffff;

/** What the screen shows now, all of it at one moment; without the pointer. */
export async function takePicture(connection: XConnection): Promise<Picture> {
  const { root, width, height } = connection;
  const { data } = await connection.ask<{ readonly data: Buffer }>((client, answer) =>
    client.GetImage(Z_PIXMAP, root, 0, 0, width, height, ALL_PLANES, answer),
  );
  if (data.length < width * height * 4) throw new Error("the X server sent too few pixels");
  return { width, height, rgb: toRgb(data, width * height) };
}

/** From blue, green, red and a byte without a meaning. */
function toRgb(data: Buffer, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel += 1, from += 4, to += 3) {
    rgb[to] = data[from + 2] ?? 0;
    rgb[to + 1] = data[from + 1] ?? 0;
    rgb[to + 2] = data[from] ?? 0;
  }
  return rgb;
}
