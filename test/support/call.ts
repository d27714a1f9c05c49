import { createHmac } from "node:crypto";
import { checkAnswer } from "./answer-schema.ts";
import type { Credentials, Gateway } from "./gateway.ts";

/**
 * Signed requests, written from the documentation alone: nothing here comes from src/client, so
 * that a mistake there is not a mistake of both sides.
 */
export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON, or the text where it is none. */
  readonly body: Body;
}

let lastTimestamp = 0;

/** Ms since the epoch, never the same twice: a signature works once. */
export function nextTimestamp(): number {
  lastTimestamp = Math.max(Date.now(), lastTimestamp + 1);
  return lastTimestamp;
}

/** base64(HMAC-SHA256(secret, message)). */
export function sign(secret: string, message: string): string {
  return createHmac("sha256", secret).update(message, "utf8").digest("base64");
}

/** POST /plan and POST /execute sign the body alone. */
function signsBodyAlone(method: string, target: string): boolean {
  const [path] = target.split("?");
  return method === "POST" && (path === "/plan" || path === "/execute");
}

/** Headers that authenticate a request; `body` is the text that is sent, compact. */
export function authHeaders(
  credentials: Credentials,
  method: string,
  target: string,
  body: string,
  timestamp: number = nextTimestamp(),
): Record<string, string> {
  const { keyId = "default", secret, token } = credentials;
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (secret === undefined) return {};
  const message = signsBodyAlone(method, target)
    ? `${timestamp}:${body}`
    : `${timestamp}:${method} ${target}:${body}`;
  return {
    "x-key-id": keyId,
    "x-timestamp": String(timestamp),
    "x-signature": sign(secret, message),
  };
}

/**
 * Sends a request with the credentials' signature or token; `{}` sends none.
 *
 * @param body sent as compact JSON; a string is sent as it stands
 */
export function signedFetch(
  gateway: Gateway,
  method: string,
  target: string,
  body?: unknown,
  credentials: Credentials = gateway.keys.default,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const text = body === undefined || typeof body === "string" ? (body ?? "") : JSON.stringify(body);
  return fetch(gateway.url + target, {
    method,
    redirect: "manual",
    headers: {
      ...(text === "" ? {} : { "content-type": "application/json" }),
      ...authHeaders(credentials, method, target, text),
      ...headers,
    },
    ...(text === "" ? {} : { body: text }),
  });
}

/**
 * `signedFetch` with its answer read, and held against the published description of the API; `Body`
 * is what the test takes it for.
 */
export async function call<Body = unknown>(
  ...request: Parameters<typeof signedFetch>
): Promise<Answer<Body>> {
  const response = await signedFetch(...request);
  const { status, headers } = response;
  const body = parsed(await response.text()) as Body;
  const [, method, target] = request;
  checkAnswer({ method, target, status, contentType: headers.get("content-type"), body });
  return { status, headers, body };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
