import { createHash, createHmac } from "node:crypto";

/**
 * The message of `POST /plan` and `POST /execute`: `${timestamp}:${compact JSON}`.
 * `body` is the text that is sent, so that what is signed is what arrives.
 */
export function bodyMessage(timestamp: number, body: string): string {
  return `${timestamp}:${body}`;
}

/**
 * The message of every other route, which binds method and target besides:
 * `${timestamp}:${METHOD} ${path and query as sent}:${compact JSON, or nothing}`.
 */
export function requestMessage(
  timestamp: number,
  method: string,
  target: string,
  body: string,
): string {
  return `${timestamp}:${method.toUpperCase()} ${target}:${body}`;
}

/** Padded base64 of the HMAC-SHA256 of the message's UTF-8 bytes: the `X-Signature` header. */
export function signMessage(secret: string, message: string): string {
  return createHmac("sha256", secret).update(message, "utf8").digest("base64");
}

/** Entries kept before the past ones are swept out. */
const SWEEP_AT = 1024;

/**
 * Timestamps that never sign the same message twice. A gateway takes each signature once, so two
 * equal requests within one millisecond would make the second a replay; it gets a later timestamp
 * instead. Different messages may share a millisecond.
 */
export class SigningClock {
  readonly #last = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Milliseconds since the epoch for a message whose parts, without its timestamp, are `parts`. */
  next(...parts: readonly string[]): number {
    const digest = createHash("sha256");
    for (const part of parts) digest.update(`${part.length}:`).update(part);
    const message = digest.digest("base64");
    const now = this.#now();
    const timestamp = Math.max(now, (this.#last.get(message) ?? 0) + 1);
    if (this.#last.size >= SWEEP_AT) this.#sweep(now);
    this.#last.set(message, timestamp);
    return timestamp;
  }

  /** A timestamp below the present one cannot come again: it need not be remembered. */
  #sweep(now: number): void {
    for (const [message, timestamp] of this.#last) {
      if (timestamp < now) this.#last.delete(message);
    }
  }
}
