import { createHmac } from "node:crypto";

export const SECRET = "bench-secret-of-more-than-sixteen-characters";

/**
 * Headers of the legacy scheme for a body sent to /plan or /execute, or for another request where
 * `message` is its method, target and body. No two messages may be the same within a millisecond,
 * because a signature works once.
 */
export function sign(message: string): Record<string, string> {
  const timestamp = String(Date.now());
  return {
    "content-type": "application/json",
    "x-timestamp": timestamp,
    "x-signature": createHmac("sha256", SECRET).update(`${timestamp}:${message}`).digest("base64"),
  };
}

let plans = 0;

/** A plan of one small read, told apart from every other by its title. */
export function planBody(): string {
  plans += 1;
  const parameters = { path: "/tmp/test.txt" };
  return JSON.stringify({ title: `bench ${plans}`, steps: [{ action: "fs.read", parameters }] });
}
