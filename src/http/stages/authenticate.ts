import type { FastifyRequest } from "fastify";
import type { Credentialed } from "../../auth/authenticator.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { HttpDeps } from "../http-deps.ts";
import type { Access, Route } from "../route.ts";

const NO_BODY = new Uint8Array();

/** Finds out who is calling, over the body as it came, before anything reads it. */
export function createAuthentication(
  deps: Pick<HttpDeps, "authenticator" | "log">,
): (request: FastifyRequest, route: Route) => Promise<void> {
  return async (request, route) => {
    if (route.access === "open" || route.isOpenTo?.(request) === true) return;
    const credentialed = await authenticate(request, route.signs ?? "request");
    if (credentialed !== undefined && !countsForNothing(credentialed, route.access)) {
      request.principal = credentialed.principal;
      request.durable = credentialed.durable;
    } else if (route.access !== "optional") {
      throw new GatewayError("signature_missing", "This route needs credentials and got none.", {
        hint: "Sign the request (X-Timestamp, X-Signature) or send Authorization: Bearer.",
      });
    }
  };

  async function authenticate({ id, raw, body }: FastifyRequest, form: "body" | "request") {
    try {
      return await deps.authenticator.authenticate({
        method: raw.method ?? "",
        target: raw.url ?? "",
        headers: raw.headers,
        body: body instanceof Uint8Array ? body : NO_BODY,
        form,
      });
    } catch (error) {
      // Its cause says which forms were tried and what they were over, never a secret.
      deps.log.debug({ request_id: id, err: error }, "authentication failed");
      throw error;
    }
  }
}

/** Where policy asks for no signature, nobody still decides nothing and stays anonymous elsewhere. */
function countsForNothing({ unsigned, principal }: Credentialed, access: Access): boolean {
  if (unsigned !== true) return false;
  return typeof access === "string" || !access.some((scope) => principal.scopes.has(scope));
}
