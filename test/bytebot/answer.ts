import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Fault, FaultKind } from "./faults.ts";

export interface Answer {
  readonly status: number;
  /** undefined: an empty body without a content type. */
  readonly body?: unknown;
}

/** Sends an answer as ByteBot does, or as the fault spoils it. */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  fault?: Fault,
): Promise<void> {
  const text = answer.body === undefined ? "" : JSON.stringify(answer.body);
  const spoil = fault === undefined ? undefined : SPOILT[fault.kind];
  if (fault !== undefined && spoil !== undefined) await spoil(response, answer.status, text, fault);
  else writeHead(response, answer.status, Buffer.byteLength(text)).end(text);
}

export function resetConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function writeHead(response: ServerResponse, status: number, length: number): ServerResponse {
  response.setHeader("content-length", length);
  if (length > 0) response.setHeader("content-type", "application/json; charset=utf-8");
  return response.writeHead(status);
}

type Spoil = (
  response: ServerResponse,
  status: number,
  text: string,
  fault: Fault,
) => Promise<void> | void;

const SPOILT: Partial<Record<FaultKind, Spoil>> = {
  reset_after_effect: resetConnection,
  async slow_body(response, status, text, fault) {
    const bytes = Buffer.from(text);
    const half = bytes.length >> 1;
    if (bytes.length > 0) {
      writeHead(response, status, bytes.length);
      response.write(bytes.subarray(0, half));
    }
    await fault.released;
    if (bytes.length === 0) writeHead(response, status, 0);
    response.end(bytes.subarray(half));
  },
  truncated_body(response, status, text) {
    const bytes = Buffer.from(text === "" ? "{}" : text);
    writeHead(response, status, bytes.length).write(bytes.subarray(0, bytes.length >> 1), () =>
      response.socket?.destroy(),
    );
  },
  async huge_body(response, status, _text, fault) {
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.writeHead(status).write('{"image":"');
    const gone = once(response, "close");
    const piece = Buffer.alloc(1024 * 1024, "A");
    for (let sent = 0; sent < fault.bytes && !response.destroyed; sent += piece.length)
      if (!response.write(piece)) await Promise.race([once(response, "drain"), gone]);
    response.end('"}');
  },
  invalid_json(response, status) {
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.writeHead(status).end('{"image": <html>');
  },
};
