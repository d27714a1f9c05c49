import type { FastifyRequest } from "fastify";
import { GatewayError } from "../../contract/errors.ts";
import { JsonError, parseLargeJson } from "../../lib/json.ts";
import type { Route } from "../route.ts";

/** The value of the raw body, in its place. An absent body is `{}` where the route allows it. */
export async function readJson(request: FastifyRequest, route: Route): Promise<void> {
  if (route.body === undefined) {
    request.body = undefined;
    return;
  }
  const raw = request.body;
  if (!(raw instanceof Uint8Array) || raw.length === 0) {
    if (route.bodyOptional !== true) {
      throw new GatewayError("invalid_request", "The body is empty.", {
        hint: `Send one JSON object; GET /openapi.json has the schema of ${route.method} ${route.path}.`,
      });
    }
    request.body = {};
    return;
  }
  try {
    request.body = await parseLargeJson(raw);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new GatewayError(
      "invalid_request",
      `The body is not JSON as this gateway reads it: ${error.message}.`,
      { hint: "Send one JSON object in UTF-8, with each key once." },
      error,
    );
  }
}
