import { posix } from "node:path";
import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { integer, oneOf, text } from "../step/parameter.ts";
import { mediaTypeOf, SNIFFED_BYTES } from "./media-type.ts";
import { requireSize } from "./require-size.ts";

/** More than this becomes an artifact; bytes. */
export const MAX_INLINE = 64 * 1024;

/** A file's bytes, wherever they are. */
export interface ByteSource {
  readonly size: number;
  /** A short stretch, up to a few hundred kilobytes; shorter where the file has shrunk. */
  stretch(start: number, end: number): Buffer;
  /** All from `start` up to `end`, in chunks. */
  chunks(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Answers `fs.read` from a file's bytes: `path, encoding?, offset?, length?` → `{content, encoding,
 * size, media_type}`.
 *
 * `offset` and `length` count bytes and `size` is the whole file's. With utf8 a range must begin on
 * a character and ends before one that it would cut, so the next range begins at `offset` plus the
 * bytes of `content`. More than 64 KB, and every image, is kept as an artifact, `content` null.
 *
 * Throws `file_too_large` (by the whole file's size), `invalid_request` for what is not UTF-8.
 */
export async function readSource(
  file: ByteSource,
  parameters: Parameters,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const path = text(parameters, "path");
  const encoding = oneOf(parameters, "encoding", ["utf8", "base64"]);
  const { size } = file;
  requireSize(size, io.maxFileSize, path);
  const asked = rangeOf(parameters, size);
  const head = file.stretch(0, Math.min(size, SNIFFED_BYTES));
  const mediaType = mediaTypeOf(path, head);
  const isImage = mediaType.startsWith("image/");
  const isText = encoding === "utf8" && !isImage;
  const range = isText ? wholeCharacters(file, asked, size) : asked;

  if (isImage || range.end - range.start > MAX_INLINE) {
    await keep(file, range, path, mediaType, isText, io);
    return { content: null, encoding, size, media_type: mediaType };
  }
  const isHead = range.start === 0 && range.end <= head.length;
  const bytes = isHead ? head.subarray(0, range.end) : file.stretch(range.start, range.end);
  const content = isText ? decode(bytes, path) : bytes.toString("base64");
  return { content, encoding, size, media_type: mediaType };
}

function rangeOf(parameters: Parameters, size: number): Range {
  const start = Math.min(integer(parameters, "offset") ?? 0, size);
  const length = integer(parameters, "length") ?? size;
  return { start, end: Math.min(start + length, size) };
}

async function keep(
  file: ByteSource,
  { start, end }: Range,
  path: string,
  mediaType: string,
  isText: boolean,
  io: StepIo,
): Promise<void> {
  const chunks = file.chunks(start, end, io.signal);
  await io.keepArtifact({
    name: posix.basename(path),
    mediaType,
    content: isText ? verified(chunks, path) : chunks,
  });
}

/** Passes the chunks on and throws at the first that is not UTF-8. */
async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of chunks) {
    attempt(() => decoder.decode(chunk, { stream: true }), path);
    yield chunk;
  }
  attempt(() => decoder.decode(), path);
}

function decode(bytes: Uint8Array, path: string): string {
  return attempt(
    () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    path,
  );
}

function attempt(decoding: () => string, path: string): string {
  try {
    return decoding();
  } catch (error) {
    throw new GatewayError(
      "invalid_request",
      `${path} is not UTF-8 text`,
      {
        hint: 'Read it with "encoding": "base64".',
      },
      error,
    );
  }
}

/** Ends the range before a character it would cut; throws where it begins or stays inside one. */
function wholeCharacters(file: ByteSource, { start, end }: Range, size: number): Range {
  if (start > 0 && start < size && isContinuation(file.stretch(start, start + 1)[0])) {
    throw new GatewayError("invalid_request", `offset ${start} is inside a character`, {
      hint: "offset counts bytes: continue at offset plus the bytes of the content before.",
    });
  }
  if (end === size || end === start) return { start, end };
  // At most three bytes continue a character, so its first byte is one of these or it is no UTF-8.
  const from = Math.max(start, end - 3);
  const around = file.stretch(from, end + 1);
  let whole = end;
  while (whole > from && isContinuation(around[whole - from])) whole -= 1;
  if (whole === end || whole > start) return { start, end: whole };
  throw new GatewayError("invalid_request", `length ${end - start} ends inside a character`, {
    hint: "length counts bytes, and a character has up to four.",
  });
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
