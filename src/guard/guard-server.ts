import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { isFromDesktop } from "../contract/desktop-mark.ts";
import { inRequest } from "../lib/request-scope.ts";
import type { DaemonAnswer } from "../tasks/agent-guard.ts";

export interface GuardServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /**
   * Answers a POST, by its path as it was sent; undefined drops the connection. `gone` aborts when the
   * other side has hung up.
   */
  readonly answer: (
    request: IncomingMessage,
    gone: AbortSignal,
  ) => Promise<DaemonAnswer | undefined>;
  /** Told of what went wrong in one request, whose connection is dropped. */
  readonly onError: (error: unknown) => void;
}

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8192;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const TIMEOUT_CHECK_MS = 2_000;

/**
 * Listens where only an agent should reach it. A connection carries one request: an agent sees a
 * failure only in a connection that breaks, and none must break because it was idle, or be tried
 * again by a client that thinks so. Rejects where the address cannot be bound.
 */
export async function listenForAgents(options: GuardServerOptions): Promise<GuardServer> {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  const used = new WeakSet<Socket>();
  server.on("request", (request, response) => {
    const { socket } = request;
    if (used.has(socket)) return drop(socket);
    used.add(socket);
    if (isFromDesktop(request)) return drop(socket);
    if (request.method !== "POST") return refuse(response);
    const fail = (error: unknown) => {
      options.onError(error);
      drop(socket);
    };
    inRequest({ fail }, () => void serve(request, response, options.answer).catch(fail));
  });
  server.on("checkExpectation", (request: IncomingMessage) => drop(request.socket));
  server.on("connect", (request) => drop(request.socket));
  server.on("clientError", (_error, socket) => socket.destroy());
  server.listen(options.port, options.host);
  await once(server, "listening");
  return new GuardServer(server);
}

export class GuardServer implements AsyncDisposable {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Without the key. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: GuardServerOptions["answer"],
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  request.on("error", () => undefined);
  const given = await answer(request, gone.signal);
  if (given === undefined || response.destroyed) return drop(request.socket);
  send(response, given);
}

/** As the daemon does: an empty answer has no content type. */
function send(response: ServerResponse, { status, body }: DaemonAnswer): void {
  const bytes = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, {
    "content-length": Buffer.byteLength(bytes),
    ...(body !== undefined && { "content-type": "application/json; charset=utf-8" }),
    connection: "close",
  });
  response.end(bytes);
}

function refuse(response: ServerResponse): void {
  response.writeHead(404, { "content-length": 0, connection: "close" }).end();
}

/** Broken rather than closed, so that nobody takes it for an answer without content. */
function drop(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
