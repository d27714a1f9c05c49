import type { Readable } from "node:stream";

/** The other side is gone in the middle of what it was to send. */
export class EndOfStream extends Error {
  override readonly name = "EndOfStream";
}

/**
 * The next so many bytes of a stream that nobody else reads, however it cuts them; what follows stays
 * in it. Rejects with EndOfStream, and with the signal's reason.
 */
export async function readExactly(
  stream: Readable,
  size: number,
  signal: AbortSignal,
): Promise<Buffer> {
  if (size === 0) return Buffer.alloc(0);
  for (;;) {
    signal.throwIfAborted();
    const chunk: Buffer | null = stream.read(size);
    if (chunk !== null && chunk.length === size) return chunk;
    if (chunk !== null || stream.readableEnded || stream.destroyed) throw new EndOfStream();
    await moved(stream, signal);
  }
}

/** Resolves when there is more to read, or never will be. */
async function moved(stream: Readable, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ["readable", "end", "close", "error"];
  const settle = () => resolve();
  for (const event of events) stream.on(event, settle);
  signal.addEventListener("abort", settle, { once: true });
  try {
    await promise;
  } finally {
    for (const event of events) stream.off(event, settle);
    signal.removeEventListener("abort", settle);
  }
}
