import { type IncomingMessage, request as openRequest, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type EgressTarget, placeOf } from "./egress-target.ts";
import { endToEnd, type Fields, fieldsOf, requestFields } from "./header-fields.ts";
import { joinSockets } from "./join-sockets.ts";

/** What a request is for. */
export interface Asked {
  readonly target: EgressTarget;
  readonly path: string;
}

/** Bytes of an answer's header. */
const MAX_HEADER = 128 * 1024;

/**
 * Sends a request on over a connection to its target and passes the answer back. Both are written
 * anew from what was understood of them, so no two readers can see two different messages.
 * Resolves when it is over; with why where the target gave no answer.
 */
export async function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  socket: Socket,
  { target, path }: Asked,
): Promise<string | undefined> {
  const upstream = openRequest({
    createConnection: () => socket,
    method: request.method ?? "GET",
    path,
    headers: [...requestFields(request.rawHeaders, hostField(target)), ...framing(request)].flat(),
    setHost: false,
    maxHeaderSize: MAX_HEADER,
  });
  response.once("close", () => socket.destroy());
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream
      .once("response", resolve)
      .once("error", reject)
      .once("close", () => reject());
  });
  // An answer may come before the whole body was sent; then the rest of it does not matter.
  pipeline(request, upstream).catch(() => {});
  try {
    const answer = await answered;
    response.sendDate = false;
    response.writeHead(
      answer.statusCode ?? 502,
      answer.statusMessage,
      endToEnd(fieldsOf(answer.rawHeaders)).flat(),
    );
    await pipeline(answer, response);
    return undefined;
  } catch {
    return "it gave no answer that can be understood";
  } finally {
    socket.destroy();
  }
}

/** Sends a WebSocket handshake on; from then on bytes pass both ways. */
export function forwardUpgrade(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  socket: Socket,
  { target, path }: Asked,
): void {
  const fields: Fields = [
    ...requestFields(request.rawHeaders, hostField(target)).filter(([name]) => !isBody(name)),
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
  ];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
  if (head.length > 0) socket.write(head);
  joinSockets(client, socket);
}

function isBody(name: string): boolean {
  return name.toLowerCase() === "content-length";
}

/** How the body is delimited on the way on, where its own length does not say it. */
function framing(request: IncomingMessage): Fields {
  const connection = ["Connection", "close"] as const;
  if (request.headers["transfer-encoding"] !== undefined) {
    return [connection, ["Transfer-Encoding", "chunked"]];
  }
  if (request.headers["content-length"] !== undefined) return [connection];
  const takesBody = !/^(?:GET|HEAD|DELETE|OPTIONS|TRACE)$/.test(request.method ?? "GET");
  return takesBody ? [connection, ["Content-Length", "0"]] : [connection];
}

function hostField(target: EgressTarget): string {
  return target.port === 80 ? target.host : placeOf(target);
}
