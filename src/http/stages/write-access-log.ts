import type { FastifyReply, FastifyRequest } from "fastify";
import type { HttpDeps } from "../http-deps.ts";

/** One line for each answer, without query values and bodies, and a figure for the metrics. */
export function createAccessLog(
  deps: Pick<HttpDeps, "log" | "observe">,
): (request: FastifyRequest, reply: FastifyReply) => void {
  const { log, observe } = deps;
  return (request, reply) => {
    const { method = "", url = "" } = request.raw;
    const query = url.indexOf("?");
    const status = reply.raw.statusCode;
    const ms = reply.elapsedTime;
    log.info(
      {
        request_id: request.id,
        ip: request.ip,
        method,
        path: query < 0 ? url : url.slice(0, query),
        status,
        ms: Math.round(ms * 10) / 10,
        key: request.principal?.keyId,
        task_id: request.taskId,
        code: request.errorCode,
      },
      "answered",
    );
    observe?.({ method, route: request.routeOptions.config.route, status, seconds: ms / 1000 });
  };
}
