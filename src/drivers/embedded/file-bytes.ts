import { createHash } from "node:crypto";
import { read, readSync } from "node:fs";
import { promisify } from "node:util";
import { throwIfAborted } from "../step/aborted.ts";
import type { WorldFile } from "./confined-path.ts";

const readAsync: (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }> = promisify(read);

/** Bytes read at a time. */
const CHUNK = 256 * 1024;

/** A file's size in bytes, when it was opened. */
export function sizeOf(file: WorldFile): number {
  return Number(file.stats.size);
}

/**
 * The bytes from `start` up to `end`, never more, in fresh chunks; fewer where the file has shrunk.
 * Stops between chunks when the signal aborts.
 */
export async function* chunksOf(
  file: WorldFile,
  start: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let position = start;
  while (position < end) {
    if (signal !== undefined) throwIfAborted(signal);
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, end - position));
    const { bytesRead } = await readAsync(file.fd, buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A short stretch of a file at once: for less than a chunk, where waiting costs more than reading. */
export function readStretch(file: WorldFile, start: number, end: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.max(0, end - start));
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(file.fd, buffer, filled, buffer.length - filled, start + filled);
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}

/** `sha256:` and 64 hex digits over a file's bytes; each chunk also goes to `see`. */
export async function hashFile(
  file: WorldFile,
  see: (chunk: Uint8Array) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(file, 0, sizeOf(file), signal)) {
    hash.update(chunk);
    see(chunk);
  }
  return `sha256:${hash.digest("hex")}`;
}
