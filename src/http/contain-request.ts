import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { holdListeners, inRequest, type RequestScope } from "../lib/request-scope.ts";
import { problemOf, toGatewayError } from "./problem.ts";
import { SECURITY_HEADERS } from "./stages/answer-headers.ts";

const scopes = new WeakMap<IncomingMessage, RequestScope>();

/**
 * Keeps what goes wrong in a request in that request: what is thrown in the listener, in what it
 * starts and in whatever listens on request and response, and promises that nobody waits for. It is
 * logged, and answered with 500, or where an answer has begun the connection is cut off.
 */
export function containRequests(log: Logger, listener: RequestListener): RequestListener {
  return (request, response) => {
    const scope = createScope(log, request, response);
    scopes.set(request, scope);
    holdListeners(request, scope);
    holdListeners(response, scope);
    inRequest(scope, () => listener(request, response));
  };
}

/** For a failure that is known, and that no answer can be made of in the usual way. */
export function failRequest(request: IncomingMessage, error: unknown): void {
  scopes.get(request)?.fail(error);
}

function createScope(
  log: Logger,
  request: IncomingMessage,
  response: ServerResponse,
): RequestScope {
  return {
    fail: (error) => {
      try {
        const id = answerFailure(request, response);
        log.error({ request_id: id, err: error }, "request failed");
      } catch {
        // Not even that went well: what is left is to let go of the connection.
        request.socket.destroy();
      }
    },
  };
}

/** Answers 500 where nothing has left yet; cuts off an answer that has begun. Says under which id. */
function answerFailure(request: IncomingMessage, response: ServerResponse): string {
  const known = response.getHeader("x-request-id");
  const id = typeof known === "string" ? known : randomUUID();
  if (response.writableEnded) {
    // It was answered before it failed. Where Node is not done with it, it may never be by itself.
    if (response.socket !== null) request.socket.destroySoon();
    return id;
  }
  if (response.headersSent || response.socket === null) {
    request.socket.destroy();
    return id;
  }
  const { status, headers, body } = problemOf(toGatewayError(undefined), id);
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response
    .writeHead(status, {
      ...SECURITY_HEADERS,
      ...headers,
      "x-request-id": id,
      "content-length": String(body.length),
      connection: "close",
    })
    .end(body);
  return id;
}
