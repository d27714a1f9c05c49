import type { IncomingMessage } from "node:http";

/**
 * How a gateway tells that a request was made by a program of an embedded desktop, also where it
 * arrives through a reverse proxy: the egress proxy adds this field to each request that it can read,
 * and connects to its own machine from this loopback address, which a reverse proxy then names.
 */
export const DESKTOP_FIELD = "X-Bytebot-Desktop";
export const DESKTOP_SOURCE = "127.98.66.1";

const FIELD = DESKTOP_FIELD.toLowerCase();

/** Where proxies write whom they speak for. */
const FORWARDING_FIELDS = ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip"];
const SOURCE = new RegExp(`(?<![\\d.])${DESKTOP_SOURCE.replaceAll(".", "\\.")}(?![\\d.])`);

/** Whether a request was made by a program of an embedded desktop, this gateway's or another's. */
export function isFromDesktop({ headers, socket }: IncomingMessage): boolean {
  if (headers[FIELD] !== undefined || SOURCE.test(socket.remoteAddress ?? "")) return true;
  return FORWARDING_FIELDS.some((name) => {
    const value = headers[name];
    return value !== undefined && SOURCE.test(String(value));
  });
}
