import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "../lib/backoff.ts";
import {
  errorOfResponse,
  GatewayRequestError,
  networkError,
  timeoutError,
  unexpectedAnswer,
} from "./request-error.ts";
import { bodyMessage, requestMessage, SigningClock, signMessage } from "./sign.ts";

/** One request, before it is signed. */
export interface Outgoing {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path below the gateway's URL, percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it has no effect, or none a second time, so that it may be sent again. */
  readonly repeatable: boolean;
  /** Time to the answer's headers, ms; the transport's own limit where absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export type Credential =
  | { readonly kind: "signature"; readonly keyId: string; readonly secret: string }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "none" };

/** The two routes whose signature covers the body alone, as the seed's clients sign them. */
const BODY_SIGNED = new Set(["POST /plan", "POST /execute"]);

const FIRST_PAUSE_MS = 150;
/** A gateway that asks for a longer pause is left to the caller. */
const MAX_PAUSE_MS = 5_000;

/** One for the whole process: two clients with the same key must not sign the same message alike. */
const clock = new SigningClock();

/** Signs requests and sends them, again where that is safe. */
export class Transport {
  readonly #base: URL;
  readonly #prefix: string;
  readonly #credential: Credential;
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;
  readonly #retries: number;

  constructor(options: {
    base: URL;
    credential: Credential;
    fetch: typeof fetch;
    timeoutMs: number;
    retries: number;
  }) {
    this.#base = options.base;
    this.#prefix = options.base.pathname.replace(/\/+$/, "");
    this.#credential = options.credential;
    this.#fetch = options.fetch;
    this.#timeoutMs = options.timeoutMs;
    this.#retries = options.retries;
  }

  /** The JSON of a successful answer, or of one whose status is in `accept`. */
  async json<Answer>(outgoing: Outgoing, accept: readonly number[] = []): Promise<Answer> {
    const response = await this.send(outgoing, accept);
    const text = await response.text().catch((cause) => {
      throw outgoing.signal?.aborted ? cause : networkError(new URL(response.url), cause);
    });
    try {
      return JSON.parse(text) as Answer;
    } catch {
      throw unexpectedAnswer(response, text);
    }
  }

  /** A successful answer with its body unread. Throws GatewayRequestError for every other. */
  async send(outgoing: Outgoing, accept: readonly number[] = []): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#sendOnce(outgoing, accept);
      } catch (error) {
        const pause =
          outgoing.repeatable && attempt < this.#retries ? pauseAfter(error, attempt) : undefined;
        if (pause === undefined) throw error;
        await sleep(pause, undefined, outgoing.signal ? { signal: outgoing.signal } : {});
      }
    }
  }

  async #sendOnce(outgoing: Outgoing, accept: readonly number[]): Promise<Response> {
    const url = this.#urlOf(outgoing);
    const body = outgoing.body === undefined ? "" : JSON.stringify(outgoing.body);
    const timeoutMs = outgoing.timeoutMs ?? this.#timeoutMs;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    let response: Response;
    try {
      response = await this.#fetch(url, {
        method: outgoing.method,
        headers: {
          ...(body === "" ? {} : { "content-type": "application/json" }),
          ...outgoing.headers,
          ...this.#credentials(outgoing.method, url, body),
        },
        ...(body === "" ? {} : { body }),
        // A signature holds for the address it was made for.
        redirect: "error",
        signal: outgoing.signal ? AbortSignal.any([outgoing.signal, limit.signal]) : limit.signal,
      });
    } catch (cause) {
      if (outgoing.signal?.aborted) throw outgoing.signal.reason;
      throw limit.signal.aborted ? timeoutError(url, timeoutMs) : networkError(url, cause);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok || accept.includes(response.status)) return response;
    throw await errorOfResponse(response);
  }

  #urlOf(outgoing: Outgoing): URL {
    const url = new URL(this.#base);
    url.pathname = this.#prefix + outgoing.path;
    for (const [name, value] of Object.entries(outgoing.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  #credentials(method: string, url: URL, body: string): Record<string, string> {
    const credential = this.#credential;
    if (credential.kind === "none") return {};
    if (credential.kind === "token") return { authorization: `Bearer ${credential.token}` };
    const target = url.pathname + url.search;
    const bodyOnly = BODY_SIGNED.has(`${method} ${url.pathname.slice(this.#prefix.length)}`);
    const timestamp = bodyOnly
      ? clock.next(credential.keyId, body)
      : clock.next(credential.keyId, method, target, body);
    const message = bodyOnly
      ? bodyMessage(timestamp, body)
      : requestMessage(timestamp, method, target, body);
    return {
      "x-key-id": credential.keyId,
      "x-timestamp": String(timestamp),
      "x-signature": signMessage(credential.secret, message),
    };
  }
}

/**
 * Milliseconds to wait before a repeatable request is sent again; undefined: it stays failed.
 * Being stopped does not pass by itself. Another process with the same key may have signed the
 * same message in the same millisecond: that replay is not ours, and the next timestamp differs.
 */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof GatewayRequestError)) return undefined;
  if (error.code === "signature_replayed") return 2;
  const passing =
    error.code === "unreachable" || (error.status === 503 && error.code !== "stopped");
  if (!passing) return undefined;
  const asked = (error.retryAfter ?? 0) * 1000;
  if (asked > MAX_PAUSE_MS) return undefined;
  return Math.max(asked, backoff(attempt, FIRST_PAUSE_MS, MAX_PAUSE_MS));
}
