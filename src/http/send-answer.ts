import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { afterOthers, LARGE } from "../lib/turns.ts";
import { type Bodies, type BodyKind, bytesAnswer, HttpAnswer, jsonAnswer } from "./answer.ts";
import { ResponseSink } from "./response-sink.ts";
import { takeUpgrade } from "./upgrades.ts";

/** ms that a reader may take nothing; longer than a live stream is silent, heartbeats included. */
const STALLED_MS = 60_000;

export interface SendOptions {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Told of a stream that broke, whose answer is cut off. */
  readonly onBroken: (error: unknown) => void;
  readonly stalledMs?: number;
}

type Senders = {
  readonly [Kind in BodyKind]: (body: Bodies[Kind], to: SendOptions) => Promise<void> | void;
};

/**
 * The one place that sends what a handler returned: an answer, or a value as JSON with 200. Resolves
 * once it is on its way; rejects, with nothing sent, where it cannot be.
 */
export async function sendAnswer(returned: unknown, to: SendOptions): Promise<void> {
  const answer = returned instanceof HttpAnswer ? returned : jsonAnswer(returned);
  to.reply.code(answer.status).headers(answer.headers);
  await send(answer, to);
}

async function send<Kind extends BodyKind>(
  { kind, body }: HttpAnswer<Kind>,
  to: SendOptions,
): Promise<void> {
  await SENDERS[kind](body, to);
}

const SENDERS: Senders = {
  json: async (value, { request, reply }) => {
    // The answer to something large is mostly as large: each of these steps takes its time.
    const size = Number(request.headers["content-length"] ?? 0);
    await afterOthers(size);
    const text = await toJson(value, size);
    if (text === undefined) throw new Error("a handler returned nothing that JSON can carry");
    await afterOthers(text.length);
    if (!reply.hasHeader("content-type")) reply.type("application/json; charset=utf-8");
    reply.send(text);
  },
  bytes: (bytes, { reply }) => {
    reply.send(
      typeof bytes === "string"
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
  },
  stream: (stream, { reply, onBroken, stalledMs = STALLED_MS }) => {
    const response = reply.raw;
    stream.once("error", onBroken);
    if (response.destroyed || reply.sent) {
      stream.destroy();
      return;
    }
    response.setTimeout(stalledMs, () => response.destroy());
    try {
      reply.send(stream);
    } catch (error) {
      stream.destroy();
      throw error;
    }
  },
  live: (begin, { reply }) => {
    const response = takeOver(reply);
    if (response.closed || response.destroyed) return;
    const following = begin(new ResponseSink(response));
    response.once("close", () => following[Symbol.dispose]());
  },
  web: async (web, to) => {
    const { headers, body, status } = web;
    const kept = [...headers].filter(([name]) => name !== "connection" && name !== "cache-control");
    to.reply.code(status).headers(Object.fromEntries(kept));
    const type = headers.get("content-type") ?? "";
    if (body === null || !type.startsWith("text/event-stream")) {
      await send(bytesAnswer(Buffer.from(await web.arrayBuffer())), to);
      return;
    }
    to.reply.headers({ "x-accel-buffering": "no", "cache-control": "no-cache, no-transform" });
    const response = takeOver(to.reply);
    // A reader that does not read holds what it was sent: it is cut off, and may resume.
    response.setTimeout(to.stalledMs ?? STALLED_MS, () => response.destroy());
    // A client that goes, or a key that ends, breaks it off: there is nobody to tell.
    await pipeline(Readable.fromWeb(body), response).catch(() => response.destroy());
  },
  upgrade: async (accept, { request, reply }) => {
    await accept(takeUpgrade(request, reply));
  },
};

/** Takes the response out of Fastify's hands. The headers leave at once: the first byte may be long in coming. */
function takeOver(reply: FastifyReply) {
  const headers = reply.getHeaders();
  reply.hijack();
  const response = reply.raw;
  response.statusCode = reply.statusCode;
  // The stream of a connection that ends with it needs no framing of its own: a write is one write.
  if (headers.connection === "close") response.removeHeader("transfer-encoding");
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.flushHeaders();
  return response;
}

/**
 * The value as JSON; undefined for what JSON cannot carry. Where it is likely large, others have a turn after
 * each member: a task's answer has its parameters twice.
 */
async function toJson(value: unknown, likelySize: number): Promise<string | undefined> {
  if (likelySize < LARGE || typeof value !== "object" || value === null || Array.isArray(value)) {
    return JSON.stringify(value);
  }
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    const text: string | undefined = JSON.stringify(member);
    if (text === undefined) continue;
    members.push(`${JSON.stringify(name)}:${text}`);
    await afterOthers(text.length);
  }
  return `{${members.join(",")}}`;
}
