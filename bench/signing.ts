import { createHmac } from "node:crypto";

export const SECRET = "bench-secret-of-more-than-sixteen-characters";

let last = 0;

/**
 * Headers of the legacy scheme for a body sent to /plan or /execute, or for `GET /events` and the
 * like where `message` says so. Each timestamp is used once.
 */
export function sign(message: string): Record<string, string> {
  // A burst runs ahead of the clock by a few seconds at most; the window is five minutes.
  last = Math.max(last + 1, Date.now() - 200_000);
  const timestamp = String(last);
  return {
    "content-type": "application/json",
    "x-timestamp": timestamp,
    "x-signature": createHmac("sha256", SECRET).update(`${timestamp}:${message}`).digest("base64"),
  };
}
