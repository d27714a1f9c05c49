// Own code rather than `pngjs`: on a broken picture that emits an error nobody can listen to, which
// ends the process, it inflates through internals of node:zlib, and it takes twice as long.

import { setImmediate as breathe } from "node:timers/promises";
import { promisify } from "node:util";
import { constants, crc32, deflate, inflate } from "node:zlib";
import type { Picture } from "./picture.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const HEADER_LENGTH = 13;
/** Fast; on screens a higher level gains little once rows are stored as differences. */
const LEVEL = 2;
/** Bytes that are worked on before others get their turn: a few milliseconds. */
const BYTES_AT_ONCE = 512 * 1024;
const FILTER_UP = 2;
const TRUE_COLOUR = 2;
const PALETTE = 3;

/** Bytes a pixel by colour type (PNG specification, table 11.1). */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Chunks without which the picture cannot be shown have a capital first letter; these are known. */
const KNOWN = new Set(["IHDR", "PLTE", "IDAT", "IEND"]);

const deflateAsync = promisify(deflate);
const inflateAsync = promisify(inflate);

interface Header {
  readonly width: number;
  readonly height: number;
  readonly colourType: number;
  readonly channels: number;
}

/** The picture as 8-bit RGB PNG. Compression runs outside of the main thread. */
export async function encodePng({ width, height, rgb }: Picture): Promise<Uint8Array> {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, TRUE_COLOUR, 0, 0, 0], 8);
  const data = await deflateAsync(filtered(rgb, width * 3, height), {
    level: LEVEL,
    chunkSize: 256 * 1024,
  });
  return Buffer.concat([
    SIGNATURE,
    ...chunk("IHDR", header),
    ...chunk("IDAT", data),
    ...chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The size a PNG's header states, in pixels. Throws an Error for what is no PNG. */
export function readPngSize(bytes: Uint8Array): { width: number; height: number } {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng =
    file.length >= SIGNATURE.length + 8 + HEADER_LENGTH &&
    file.subarray(0, SIGNATURE.length).equals(SIGNATURE) &&
    file.readUInt32BE(8) === HEADER_LENGTH &&
    file.toString("latin1", 12, 16) === "IHDR";
  if (!isPng) throw new Error("not a PNG picture");
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const largest = 2 ** 31 - 1;
  if (width < 1 || height < 1 || width > largest || height > largest) {
    throw new Error("the PNG states no possible size");
  }
  return { width, height };
}

/**
 * Decodes a PNG of 8 bits a channel that is not interlaced; transparency is left out. Refuses one of
 * more than `maxPixels` before anything is unpacked. Rejects with an Error for what is malformed.
 */
export async function decodePng(
  bytes: Uint8Array,
  { maxPixels }: { readonly maxPixels: number },
): Promise<Picture> {
  const { width, height } = readPngSize(bytes);
  if (width * height > maxPixels) throw new Error(`the PNG has more than ${maxPixels} pixels`);
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(file);
  const { data, palette } = readChunks(file);
  if (header.colourType === PALETTE && palette === undefined)
    throw new Error("the PNG has no palette");
  const size = (width * header.channels + 1) * height;
  const rows = await inflateAsync(data, {
    maxOutputLength: size,
    chunkSize: Math.min(Math.max(size, constants.Z_MIN_CHUNK), 1024 * 1024),
  });
  if (rows.length !== size) throw new Error("the PNG does not hold as many pixels as it states");
  await unfilter(rows, header);
  return { width, height, rgb: await toRgb(rows, header, palette) };
}

/** Every row as its difference to the row above: fast, and screens are full of vertical sameness. */
function filtered(rgb: Uint8Array, stride: number, height: number): Buffer {
  const rows = Buffer.allocUnsafe((stride + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const [from, to] = [y * stride, y * (stride + 1) + 1];
    rows[to - 1] = FILTER_UP;
    if (y === 0) rows.set(rgb.subarray(0, stride), to);
    else {
      for (let x = 0; x < stride; x += 1) {
        rows[to + x] = (rgb[from + x] ?? 0) - (rgb[from + x - stride] ?? 0);
      }
    }
  }
  return rows;
}

function chunk(type: string, data: Uint8Array): Buffer[] {
  const [head, tail] = [Buffer.alloc(8), Buffer.alloc(4)];
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, "latin1");
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))), 0);
  return [head, Buffer.from(data.buffer, data.byteOffset, data.byteLength), tail];
}

function readHeader(file: Buffer): Header {
  const [depth, colourType = 0, compression, filter, interlace] = file.subarray(24, 29);
  const channels = CHANNELS[colourType];
  if (depth !== 8 || channels === undefined || compression !== 0 || filter !== 0) {
    throw new Error("the PNG is not of a kind that is read: 8 bits a channel");
  }
  if (interlace !== 0) throw new Error("the PNG is interlaced, which is not read");
  return { width: file.readUInt32BE(16), height: file.readUInt32BE(20), colourType, channels };
}

function readChunks(file: Buffer): { data: Buffer; palette: Buffer | undefined } {
  const data: Buffer[] = [];
  let palette: Buffer | undefined;
  let at = SIGNATURE.length;
  while (at + 12 <= file.length) {
    const length = file.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > file.length) break;
    const type = file.toString("latin1", at + 4, at + 8);
    if (crc32(file.subarray(at + 4, end)) !== file.readUInt32BE(end)) {
      throw new Error("a part of the PNG does not match its checksum");
    }
    if (!KNOWN.has(type) && /^[A-Z]/.test(type))
      throw new Error("the PNG needs an unknown extension");
    if (type === "IEND") return { data: Buffer.concat(data), palette };
    if (type === "IDAT") data.push(file.subarray(at + 8, end));
    if (type === "PLTE") palette = file.subarray(at + 8, end);
    at = end + 4;
  }
  throw new Error("the PNG is cut short");
}

/** Undoes the filters in place (PNG specification, section 9). */
async function unfilter(rows: Buffer, { width, height, channels }: Header): Promise<void> {
  const stride = width * channels;
  for (let y = 0; y < height; y += 1) {
    if (isTurnOver(y, stride)) await breathe();
    const start = y * (stride + 1) + 1;
    const filter = rows[start - 1] ?? 0;
    if (filter > 4) throw new Error("the PNG uses an unknown filter");
    if (filter === 0) continue;
    for (let x = 0; x < stride; x += 1) {
      const at = start + x;
      const left = x < channels ? 0 : (rows[at - channels] ?? 0);
      const above = y === 0 ? 0 : (rows[at - stride - 1] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (rows[at - stride - 1 - channels] ?? 0);
      rows[at] = (rows[at] ?? 0) + predict(filter, left, above, corner);
    }
  }
}

function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const guess = left + above - corner;
  const [toLeft, toAbove, toCorner] = [
    Math.abs(guess - left),
    Math.abs(guess - above),
    Math.abs(guess - corner),
  ];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

async function toRgb(
  rows: Buffer,
  header: Header,
  palette: Buffer | undefined,
): Promise<Uint8Array> {
  const { width, height, channels, colourType } = header;
  const rgb = new Uint8Array(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y += 1) {
    if (isTurnOver(y, width * channels)) await breathe();
    const start = y * (width * channels + 1) + 1;
    for (let x = 0; x < width; x += 1) {
      let from = start + x * channels;
      let source = rows;
      if (palette !== undefined && colourType === PALETTE) {
        from = (rows[from] ?? 0) * 3;
        source = palette;
        if (from + 3 > palette.length) throw new Error("the PNG names a colour it does not have");
      }
      // Gray is one channel for all three.
      const step = colourType === 0 || colourType === 4 ? 0 : 1;
      rgb[to] = source[from] ?? 0;
      rgb[to + 1] = source[from + step] ?? 0;
      rgb[to + 2] = source[from + 2 * step] ?? 0;
      to += 3;
    }
  }
  return rgb;
}

/** Whether, before row `y` of `stride` bytes, others get their turn. */
function isTurnOver(y: number, stride: number): boolean {
  return y > 0 && y % Math.max(1, Math.floor(BYTES_AT_ONCE / stride)) === 0;
}
