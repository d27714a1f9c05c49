import { type Answer, authHeaders } from "./call.ts";
import type { Credentials, Gateway } from "./gateway.ts";
import { type RawAnswer, rawRequest } from "./raw-socket.ts";

/** The text of a request as it goes over the wire; `Connection: close` unless headers say else. */
export function rawText(
  startLine: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): string {
  const all = { host: "localhost", connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${startLine} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** A signed request as raw text, for bodies that are no JSON and headers no client would send. */
export function signedText(
  credentials: Credentials,
  startLine: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const [method = "", target = ""] = startLine.split(" ");
  const sent = {
    "content-type": "application/json",
    "content-length": `${Buffer.byteLength(body)}`,
  };
  const auth = authHeaders(credentials, method, target, body);
  return rawText(startLine, { ...sent, ...auth, ...headers }, body);
}

/** Sends raw text and reads the JSON of the answer. */
export async function rawCall<Body = unknown>(
  gateway: Gateway,
  text: string | Uint8Array,
): Promise<Answer<Body>> {
  return toAnswer<Body>(await rawRequest(gateway, text));
}

export function toAnswer<Body = unknown>({ status, headers, body }: RawAnswer): Answer<Body> {
  return { status, headers, body: JSON.parse(Buffer.from(body, "latin1").toString()) };
}
