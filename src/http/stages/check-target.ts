import type { FastifyRequest } from "fastify";
import { isFromDesktop } from "../../contract/desktop-mark.ts";
import { GatewayError } from "../../contract/errors.ts";
import { isLoopbackHost } from "../../lib/loopback-host.ts";

const MAX_SHOWN = 100;

/**
 * Refuses a request that names another host than ours, which a page of a stranger makes a browser
 * send (DNS rebinding), one that leaves room for two opinions about host or body, and one of a
 * program of the embedded desktop, whichever way it came.
 */
export function createTargetCheck(
  publicUrl: string,
  allowedHosts: readonly string[],
): (request: FastifyRequest) => void {
  const allowed = new Set([new URL(publicUrl).hostname.toLowerCase(), ...allowedHosts]);
  return ({ raw }) => {
    if (isFromDesktop(raw)) {
      throw new GatewayError(
        "host_not_allowed",
        "The request comes from a program of the embedded desktop, which never reaches the gateway.",
        { hint: "Open the gateway in a browser outside of that desktop." },
      );
    }
    if (!raw.url?.startsWith("/") && raw.method !== "OPTIONS") {
      throw new GatewayError("invalid_request", "The request target is not a path.", {
        hint: "Send the path and query alone: the gateway is no proxy.",
      });
    }
    const { host } = raw.headers;
    if (host === undefined || host === "" || countHosts(raw.rawHeaders) > 1) {
      throw new GatewayError("invalid_request", "A request needs exactly one Host header.", {
        hint: "Send the name the gateway is reached under.",
      });
    }
    const value = host.toLowerCase();
    const name = value.replace(/:\d{1,5}$/, "");
    if (!isLoopbackHost(name) && !allowed.has(name) && !allowed.has(value)) {
      throw new GatewayError(
        "host_not_allowed",
        `The host ${JSON.stringify(host.slice(0, MAX_SHOWN))} is neither a loopback name nor PUBLIC_URL's nor in ALLOWED_HOSTS.`,
        { hint: "The operator adds it to ALLOWED_HOSTS if the gateway is to answer under it." },
      );
    }
    refuseBody(raw);
  };
}

function refuseBody({ method, headers }: FastifyRequest["raw"]): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new GatewayError(
      "unsupported_media_type",
      "A body with a Content-Encoding is not read.",
      {
        hint: "Send the JSON as it is.",
      },
    );
  }
  if (method !== "GET" && method !== "HEAD") return;
  const length = headers["content-length"];
  if (headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0")) {
    throw new GatewayError("invalid_request", `A ${method} request takes no body.`, {
      hint: "What selects an answer goes into the path and the query.",
    });
  }
}

/** Node keeps the first of several and drops the rest. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count++;
  }
  return count;
}
