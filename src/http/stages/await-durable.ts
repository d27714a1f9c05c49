import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { failRequest } from "../contain-request.ts";
import { problemOf, toGatewayError } from "../problem.ts";

type Done = (error?: Error | null, payload?: unknown) => void;

/**
 * Holds an answer back, an error's too, until the signature that led to it would survive a crash.
 * Where it cannot be kept, that is the answer.
 */
export function awaitDurable(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: Done,
): void {
  const { durable } = request;
  if (durable === undefined) {
    done(null, payload);
    return;
  }
  const kept = durable.then(
    () => done(null, payload),
    (thrown: unknown) => {
      if (payload instanceof Readable) payload.destroy();
      const error = toGatewayError(thrown);
      const { status, headers, body } = problemOf(error, request.id);
      request.errorCode = error.code;
      reply.removeHeader("content-length").code(status).headers(headers);
      done(null, body);
    },
  );
  kept.catch((thrown: unknown) => failRequest(request.raw, thrown));
}
