import type { FastifyRequest } from "fastify";
import type { Credentialed, SignedRequest } from "../../auth/authenticator.ts";
import { describeSignature } from "../../auth/describe-signature.ts";
import { GatewayError } from "../../contract/errors.ts";
import { LARGE } from "../../lib/turns.ts";
import type { HttpDeps } from "../http-deps.ts";
import type { Access, Route } from "../route.ts";
import { readSession } from "../session-cookie.ts";

const NO_BODY = new Uint8Array();

/**
 * Refuses, before its large body is read, a request whose credentials no body could make right. A small
 * one costs nothing, and is refused with all that can be said of it.
 */
export function createPrecheck({
  authenticator,
}: Pick<HttpDeps, "authenticator">): (request: FastifyRequest, route: Route) => void {
  return ({ raw: { headers } }, { access, signs = "request" }) => {
    const isLarge =
      headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) >= LARGE;
    if (!isLarge || access === "open" || headers.cookie !== undefined) return;
    authenticator.precheck({ headers, form: signs });
  };
}

/** Finds out who is calling, over the body as it came, before anything reads it. */
export function createAuthentication(
  deps: Pick<HttpDeps, "authenticator" | "log" | "people">,
): (request: FastifyRequest, route: Route) => Promise<void> {
  return async (request, route) => {
    if (route.access === "open" || route.isOpenTo?.(request) === true) return;
    const signedIn = readSession(deps.people, request.raw);
    if (signedIn !== undefined) {
      request.principal = signedIn.principal;
      request.sessionId = signedIn.sessionId;
      return;
    }
    const credentialed = await authenticate(request, route);
    if (credentialed !== undefined && !countsForNothing(credentialed, route.access)) {
      request.principal = credentialed.principal;
      request.durable = credentialed.durable;
    } else if (route.access !== "optional") {
      throw new GatewayError("signature_missing", "This route needs credentials and got none.", {
        hint: "Sign the request (X-Timestamp, X-Signature) or send Authorization: Bearer; people sign in at /console.",
      });
    }
  };

  async function authenticate({ id, raw, body }: FastifyRequest, route: Route) {
    const signed: SignedRequest = {
      method: raw.method ?? "",
      target: raw.url ?? "",
      headers: raw.headers,
      body: body instanceof Uint8Array ? body : NO_BODY,
      form: route.signs ?? "request",
      evenUnrecorded: route.evenUnrecorded === true || isReading(raw),
    };
    try {
      return await deps.authenticator.authenticate(signed);
    } catch (error) {
      if (isWrongSignature(error) && deps.log.isLevelEnabled("debug")) {
        deps.log.debug({ request_id: id, ...describeSignature(signed) }, "signature refused");
      }
      throw error;
    }
  }
}

/** What a GET answers it answers again to whoever repeats it. One that upgrades may let somebody act. */
function isReading({ method, headers }: FastifyRequest["raw"]): boolean {
  return (method === "GET" || method === "HEAD") && headers.upgrade === undefined;
}

function isWrongSignature(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "signature_invalid";
}

/** Where policy asks for no signature, nobody still decides nothing and stays anonymous elsewhere. */
function countsForNothing({ unsigned, principal }: Credentialed, access: Access): boolean {
  if (unsigned !== true) return false;
  return typeof access === "string" || !access.some((scope) => principal.scopes.has(scope));
}
