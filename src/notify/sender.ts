import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Agent } from "undici";
import { isPrivateAddress } from "../lib/private-address.ts";
import type { Message } from "./message.ts";

/** What became of one attempt. The problem names no URL and holds nothing the receiver said. */
export type Outcome =
  | { readonly kind: "delivered" }
  /** `refused`: this notification will never be taken. `gone`: none will. */
  | { readonly kind: "refused" | "gone"; readonly problem: string }
  | { readonly kind: "retry"; readonly problem: string; readonly retryAfterMs: number };

/** ms for one attempt, from the look-up of the name to the end of the answer. */
const ATTEMPT_MS = 15_000;
const CONNECT_MS = 5_000;
/** Bytes of an answer that are read, and thrown away, before it is cut off. */
const MAX_ANSWER = 16 * 1024;

/** Statuses that say the request itself is wrong: the same one again is answered the same. */
const REFUSALS: ReadonlySet<number> = new Set([400, 405, 406, 411, 413, 414, 415, 422, 431]);

const PUBLIC_ADDRESS = "EPUBLICADDRESS";
const NOT_HTTP = "HTTPParserError";

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  UND_ERR_SOCKET: "the connection was closed without an answer",
  UND_ERR_CONNECT_TIMEOUT: "no connection in time",
  ENOTFOUND: "the host's name does not resolve",
  EAI_AGAIN: "the host's name could not be resolved",
  [NOT_HTTP]: "what answers there does not speak HTTP",
  [PUBLIC_ADDRESS]: "http is for private addresses, and the host's is not",
};

/** Sends to one address. Redirects are not followed, answers are read for their status alone. */
export class Sender implements AsyncDisposable {
  readonly #url: string;
  #agent: Promise<Agent> | undefined;
  readonly #timeoutMs: number;

  constructor(url: string, timeoutMs: number = ATTEMPT_MS) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects only where `signal` aborts. */
  async send({ headers, body }: Message, signal: AbortSignal): Promise<Outcome> {
    this.#agent ??= openAgent(this.#url);
    const [dispatcher, { request }] = await Promise.all([this.#agent, undici()]);
    const time = AbortSignal.timeout(this.#timeoutMs);
    try {
      const answer = await request(this.#url, {
        dispatcher,
        method: "POST",
        headers,
        body,
        signal: AbortSignal.any([signal, time]),
      });
      // The status is the whole answer: what goes wrong with the rest changes nothing.
      await answer.body.dump({ limit: MAX_ANSWER }).catch(() => {});
      return outcomeOf(answer.statusCode, answer.headers["retry-after"]);
    } catch (error) {
      signal.throwIfAborted();
      const problem = time.aborted
        ? `no answer within ${this.#timeoutMs / 1000} s`
        : problemOf(error);
      return { kind: "retry", problem, retryAfterMs: 0 };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#agent)?.destroy();
  }
}

/** Loaded for the first notification: most gateways send none, and it is 2 MB of memory. */
const undici = () => import("undici");

async function openAgent(url: string): Promise<Agent> {
  const { Agent } = await undici();
  const isPlain = new URL(url).protocol === "http:";
  return new Agent({
    // A kept connection may be closed by the receiver at the moment it is used.
    pipelining: 0,
    connections: 1,
    connect: { timeout: CONNECT_MS, ...(isPlain && { lookup: lookupPrivate }) },
  });
}

function outcomeOf(status: number, retryAfter: string | string[] | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const problem = `it answered ${status}`;
  if (status === 410) return { kind: "gone", problem };
  if (REFUSALS.has(status)) return { kind: "refused", problem };
  if (status >= 300 && status < 400) {
    return { kind: "retry", problem: `${problem}; redirects are not followed`, retryAfterMs: 0 };
  }
  return { kind: "retry", problem, retryAfterMs: readRetryAfter(retryAfter) };
}

/** RFC 9110, section 10.2.3: seconds or a date. */
function readRetryAfter(value: string | string[] | undefined): number {
  if (typeof value !== "string") return 0;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : 0;
}

/** Looks a name up and gives private addresses only, so that nothing goes in the clear elsewhere. */
const lookupPrivate: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) {
      callback(error ?? new Error("no address"), "", 0);
    } else if (!addresses.every(({ address }) => isPrivateAddress(address))) {
      callback(Object.assign(new Error("a public address"), { code: PUBLIC_ADDRESS }), "", 0);
    } else if (options.all === true) {
      callback(null, addresses);
    } else {
      callback(null, first.address, first.family);
    }
  });
};

function problemOf(error: unknown): string {
  const code = codeOf(error);
  return PROBLEMS[code] ?? `the connection failed (${/^[A-Z][A-Z0-9_]*$/.test(code) ? code : "?"})`;
}

/** Several addresses that all fail are one error around theirs. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  // The library leaves its code out for some answers.
  if (error instanceof Error && error.name === NOT_HTTP) return NOT_HTTP;
  if (error instanceof Error && "code" in error) return String(error.code);
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : "";
}
