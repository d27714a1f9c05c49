import type { FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../contract/errors.ts";
import type { Route } from "./route.ts";

/** 405 with `Allow` for a known path with another method, 404 for the rest. */
export function createNotFoundHandler(
  routes: readonly Route[],
): (request: FastifyRequest, reply: FastifyReply) => never {
  const known = [...Map.groupBy(routes, ({ path }) => path)].map(([path, all]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, all[0]?.segment?.source ?? "[^/]+")}$`),
    methods: all.flatMap(({ method, head }) =>
      method === "GET" && head !== "none" ? ["GET", "HEAD"] : [method],
    ),
  }));
  return ({ raw: { method, url = "" } }, reply) => {
    const path = url.split("?", 1)[0] ?? "";
    const methods = known.find(({ pattern }) => pattern.test(path))?.methods;
    if (methods === undefined) {
      throw new GatewayError("not_found", "There is no such route.", {
        hint: "GET /openapi.json lists the routes, /docs shows them.",
      });
    }
    const allow = methods.join(", ");
    reply.header("allow", allow);
    throw new GatewayError("method_not_allowed", `${method} is not allowed here, only ${allow}.`, {
      hint: "GET /openapi.json says what each method of a route does.",
    });
  };
}
