import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FastifyReply } from "fastify";

/** ms that a reader may take nothing of a stream; longer than it is silent, heartbeats included. */
const STALLED_MS = 60_000;

/** Answers with a response of the web's kind: a stream of events as it comes, anything else whole. */
export async function sendWebResponse(
  response: Response,
  reply: FastifyReply,
  stalledMs = STALLED_MS,
): Promise<FastifyReply> {
  const type = response.headers.get("content-type") ?? "";
  const { body, status } = response;
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => name !== "connection" && name !== "cache-control"),
  );
  reply.code(status).headers(headers);
  if (body === null || !type.startsWith("text/event-stream")) {
    return reply.send(Buffer.from(await response.arrayBuffer()));
  }
  reply.headers({ "x-accel-buffering": "no", "cache-control": "no-cache, no-transform" });
  await stream(body, reply, stalledMs);
  return reply;
}

/** The headers leave at once: the first message may be long in coming. */
async function stream(
  body: ReadableStream<Uint8Array>,
  reply: FastifyReply,
  stalledMs: number,
): Promise<void> {
  const headers = reply.getHeaders();
  reply.hijack();
  const response = reply.raw;
  response.statusCode = reply.statusCode;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.flushHeaders();
  // A reader that does not read holds what it was sent: it is cut off, and may resume.
  response.setTimeout(stalledMs, () => response.destroy());
  // A client that goes, or a key that ends, breaks it off: there is nobody to tell.
  await pipeline(Readable.fromWeb(body), response).catch(() => response.destroy());
}
