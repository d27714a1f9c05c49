import { type Dispatcher, Pool } from "undici";
import { GatewayError } from "../../../contract/errors.ts";
import { backoff } from "../../../lib/backoff.ts";
import { abortError, throwIfAborted } from "../../step/aborted.ts";
import { pause } from "../../step/pause.ts";

export interface AgentHttpOptions {
  readonly url: string;
  /** ms one request may take. */
  readonly requestTimeoutMs: number;
  /** How often a read, or what was surely not sent, is tried again. */
  readonly retryAttempts: number;
}

export interface AgentAnswer {
  readonly status: number;
  /** undefined: the answer is empty or no JSON. */
  readonly body: unknown;
}

/** bytes of an answer: messages carry whole screenshots. */
const MAX_ANSWER = 64 * 1024 * 1024;
const CONNECTIONS = 8;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;

/** What undici and the system say where no connection came about: nothing was sent. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Asked again, it would be no smaller. */
export class OversizeAnswerError extends GatewayError {
  constructor() {
    super("bytebot_error", "ByteBot's agent answers more than is read", {
      hint: `An answer may have ${MAX_ANSWER / 1024 / 1024} MiB; look at the task in ByteBot.`,
    });
  }
}

/**
 * JSON over HTTP to the agent. `read` has no effect and is tried again; `send` has one and is tried
 * again only while it was surely not sent. Both reject with `bytebot_unavailable` where nothing was
 * sent or read, `send` with `outcome_unknown` where it may have been, both with the signal's reason.
 */
export class AgentHttp implements AsyncDisposable {
  readonly #options: AgentHttpOptions;
  readonly #prefix: string;
  readonly #reads: Pool;
  /** Without kept connections: one that the agent has just closed would leave the outcome open. */
  readonly #sends: Pool;

  constructor(options: AgentHttpOptions) {
    const { origin, pathname } = new URL(options.url);
    this.#options = options;
    this.#prefix = pathname.replace(/\/+$/, "");
    const connect = { timeout: options.requestTimeoutMs };
    this.#reads = new Pool(origin, { connections: CONNECTIONS, connect });
    this.#sends = new Pool(origin, { connections: CONNECTIONS, connect, pipelining: 0 });
  }

  /** `attempts` overrides how often it is tried again. */
  async read(
    path: string,
    signal: AbortSignal,
    attempts = this.#options.retryAttempts,
  ): Promise<AgentAnswer> {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await this.#request(this.#reads, { method: "GET", path }, signal);
        if (answer.status < 500 || attempt >= attempts) return answer;
      } catch (error) {
        if (signal.aborted) throw abortError(signal);
        if (error instanceof GatewayError) throw error;
        if (attempt >= attempts) throw unavailable(error);
      }
      await pause(backoff(attempt, FIRST_PAUSE_MS, MAX_PAUSE_MS), signal);
    }
  }

  async send(path: string, body: unknown, signal: AbortSignal): Promise<AgentAnswer> {
    throwIfAborted(signal);
    const request = {
      method: "POST",
      path,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    } as const;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#request(this.#sends, request, signal);
      } catch (error) {
        if (!NOT_SENT.has(codeOf(error))) throw unknownOutcome(error);
        if (signal.aborted) throw abortError(signal);
        if (attempt >= this.#options.retryAttempts) throw unavailable(error);
      }
      await pause(backoff(attempt, FIRST_PAUSE_MS, MAX_PAUSE_MS), signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#reads.destroy(), this.#sends.destroy()]);
  }

  async #request(
    pool: Pool,
    options: Dispatcher.RequestOptions,
    signal: AbortSignal,
  ): Promise<AgentAnswer> {
    const limit = AbortSignal.timeout(this.#options.requestTimeoutMs);
    const { statusCode, body } = await pool.request({
      ...options,
      path: this.#prefix + options.path,
      signal: AbortSignal.any([signal, limit]),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER) {
        throw new OversizeAnswerError();
      }
      chunks.push(chunk);
    }
    return { status: statusCode, body: parsed(Buffer.concat(chunks)) };
  }
}

/** An answer that no rule foresees; what it says may repeat what was sent, so it is not passed on. */
export function unexpectedAnswer(what: string, { status }: AgentAnswer): GatewayError {
  return new GatewayError("bytebot_error", `ByteBot's agent answers ${status} to ${what}`, {
    hint: "Its own log says why; BYTEBOT_AGENT_URL must lead to ByteBot's agent (port 9991).",
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function unavailable(cause: unknown): GatewayError {
  return new GatewayError(
    "bytebot_unavailable",
    "ByteBot's agent cannot be reached",
    { hint: "Check that it runs and that BYTEBOT_AGENT_URL leads to it (port 9991)." },
    cause,
  );
}

function unknownOutcome(cause: unknown): GatewayError {
  return new GatewayError(
    "outcome_unknown",
    "the connection to ByteBot's agent broke before it answered",
    { hint: "Look at the task in ByteBot: it may have got what was sent." },
    cause,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
