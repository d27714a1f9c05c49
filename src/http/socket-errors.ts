import { randomUUID } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { GatewayError } from "../contract/errors.ts";
import { problemOf } from "./problem.ts";
import { SECURITY_HEADERS } from "./stages/answer-headers.ts";

export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
export const MAX_HEADER_BYTES = 8192;

const ERRORS: ReadonlyMap<string, () => GatewayError> = new Map([
  [
    "HPE_HEADER_OVERFLOW",
    () =>
      new GatewayError(
        "headers_too_large",
        `The request line and headers are over ${MAX_HEADER_BYTES} bytes.`,
        { hint: "Send fewer or shorter headers; what is long belongs in the body." },
      ),
  ],
  [
    "HPE_CHUNK_EXTENSIONS_OVERFLOW",
    () =>
      new GatewayError("body_too_large", "The chunk extensions of the body are too long.", {
        hint: "Send chunks without extensions.",
      }),
  ],
  [
    "ERR_HTTP_REQUEST_TIMEOUT",
    () =>
      new GatewayError(
        "invalid_request",
        `The request did not arrive in time: headers within ${HEADERS_TIMEOUT_MS / 1000} s, all of it within ${REQUEST_TIMEOUT_MS / 1000} s.`,
        { hint: "Send it again, without pausing." },
      ),
  ],
]);

const MALFORMED = () =>
  new GatewayError("invalid_request", "What was sent is not an HTTP/1.1 request (RFC 9112).", {
    hint: "Use an HTTP client; https goes to a proxy in front of the gateway.",
  });

/**
 * Answers what never became a request: headers too large, no HTTP, too slow. A connection that sent
 * nothing is closed without a word. The answer is written
 * to the socket itself, which is closed after it.
 */
export function answerSocketError(error: NodeJS.ErrnoException, socket: Socket): void {
  try {
    answer(error, socket);
  } catch {
    // It belongs to no request that could fail instead.
    socket.destroy();
  }
}

function answer(error: NodeJS.ErrnoException, socket: Socket): void {
  if (
    error.code === "ECONNRESET" ||
    !socket.writable ||
    hasBegunAnswering(socket) ||
    isIdle(error, socket)
  ) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = problemOf(
    (ERRORS.get(error.code ?? "") ?? MALFORMED)(),
    randomUUID(),
  );
  const lines = Object.entries({
    ...SECURITY_HEADERS,
    ...headers,
    "content-length": String(body.length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body]), () => socket.destroy());
}

/** Answers `Expect` with anything but `100-continue`, which Node grants by itself. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { status, headers, body } = problemOf(
    new GatewayError("invalid_request", "Expect other than 100-continue is not understood.", {
      hint: "Leave the Expect header out.",
    }),
    randomUUID(),
  );
  const length = { "content-length": String(body.length), connection: "close" };
  response.writeHead(status, { ...SECURITY_HEADERS, ...headers, ...length }).end(body);
}

/**
 * Whether the time is up for a connection on which nothing was sent: browsers open some in advance, and
 * take an answer that they did not ask for as that of their next request.
 */
function isIdle({ code }: NodeJS.ErrnoException, socket: Socket): boolean {
  return code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0;
}

/**
 * Whether an answer on this socket has left in part, so that another would corrupt it. Node keeps
 * the answer there for its own default handler, which asks the same.
 */
function hasBegunAnswering(socket: Socket & { _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}
