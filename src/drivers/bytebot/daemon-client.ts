import { backoff } from "../../lib/backoff.ts";
import { parseJson } from "../../lib/json.ts";
import type { DaemonAnswer, DaemonRequest } from "../../tasks/agent-guard.ts";
import { throwIfAborted } from "../step/aborted.ts";
import { pause } from "../step/pause.ts";
import { type BreakerOptions, type BreakerState, CircuitBreaker } from "./circuit-breaker.ts";
import { type Traits, traitsOf } from "./daemon-actions.ts";
import {
  answerTooLong,
  malformedAnswer,
  outcomeUnknown,
  statusError,
  unavailable,
} from "./daemon-error.ts";
import { type RawAnswer, Transport, TransportError } from "./transport.ts";

export interface DaemonClientOptions {
  /** Of the desktop daemon. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** ms a request may take beyond what its action takes. */
  readonly requestTimeoutMs: number;
  /** How often a read, or what was surely not sent, is tried again. */
  readonly retryAttempts: number;
  /** ms before the first such try; doubled each time. */
  readonly retryPauseMs?: number;
  readonly breaker?: BreakerOptions;
}

const PROBE: DaemonRequest = { action: "cursor_position" };
const SUCCESS = 201;
/** Answers of something between the daemon and us. */
const NOT_ITS_OWN = new Set([502, 503, 504]);
const MAX_PAUSE_MS = 5000;
/** Longer than any network takes that one would drive a desktop over. */
const CONNECT_MS = 5000;
/** Above this only files and pictures are: strings, which need no strict reader. */
const STRICT_UP_TO = 64 * 1024;

/**
 * ByteBot's desktop daemon, one request at a time: tried again only where nothing happens twice.
 * Knows nothing of turns; see DaemonQueue.
 */
export class DaemonClient implements AsyncDisposable {
  readonly #options: DaemonClientOptions;
  readonly #transport: Transport;
  readonly #breaker: CircuitBreaker;
  #isClosed = false;

  constructor(options: DaemonClientOptions) {
    this.#options = options;
    this.#transport = new Transport(
      options.url,
      options.apiKey,
      Math.min(options.requestTimeoutMs, CONNECT_MS),
    );
    this.#breaker = new CircuitBreaker(options.breaker);
  }

  get breakerState(): BreakerState {
    return this.#breaker.state;
  }

  /**
   * The answer whatever its status. Rejects with `bytebot_unavailable` where nothing happened,
   * `outcome_unknown` where an action may have. The signal ends waiting between two tries only.
   */
  async send(request: DaemonRequest, signal: AbortSignal): Promise<DaemonAnswer> {
    const traits = traitsOf(request);
    const body = JSON.stringify(request);
    const { retryAttempts, retryPauseMs: firstPauseMs = 200 } = this.#options;
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(signal);
      await this.#admit();
      const isLast = attempt >= retryAttempts;
      const answer = await this.#try(body, traits, isLast);
      if (answer !== undefined) return read(request.action, answer, traits);
      await pause(backoff(attempt, firstPauseMs, MAX_PAUSE_MS), signal);
    }
  }

  /** The body of a 201; rejects besides with `bytebot_error` for any other status. */
  async call(request: DaemonRequest, signal: AbortSignal): Promise<unknown> {
    const { status, body } = await this.send(request, signal);
    if (status === SUCCESS) return body;
    throw statusError(status);
  }

  /** One cheap request, past the breaker and without retries, of which the breaker learns nothing. */
  async look(timeoutMs: number): Promise<DaemonAnswer> {
    return read(PROBE.action, await this.#exchangeProbe(timeoutMs), traitsOf(PROBE));
  }

  /** The same, which opens and closes the breaker. */
  async probe(timeoutMs: number): Promise<DaemonAnswer> {
    try {
      const answer = await this.#exchangeProbe(timeoutMs);
      if (NOT_ITS_OWN.has(answer.status)) this.#breaker.fail();
      else this.#breaker.succeed();
      return read(PROBE.action, answer, traitsOf(PROBE));
    } catch (error) {
      if (error instanceof TransportError) this.#breaker.fail();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#transport[Symbol.asyncDispose]();
  }

  async #exchangeProbe(timeoutMs: number): Promise<RawAnswer> {
    const { maxAnswer } = traitsOf(PROBE);
    const options = { timeoutMs, maxAnswer, mayReuse: false };
    return await this.#transport.exchange(JSON.stringify(PROBE), options);
  }

  /** Through an open breaker nothing goes; through a half-open one a probe first. */
  async #admit(): Promise<void> {
    if (this.#isClosed) throw unavailable(new Error("the client is closed"));
    if (this.breakerState === "half-open") {
      await this.probe(this.#options.requestTimeoutMs).catch(() => {});
    }
    if (this.breakerState === "closed") return;
    throw unavailable(undefined, this.#breaker.retryAfterMs);
  }

  /** undefined: nothing happened, and it may be tried again. */
  async #try(body: string, traits: Traits, isLast: boolean): Promise<RawAnswer | undefined> {
    const { hasEffect, durationMs, maxAnswer } = traits;
    try {
      const answer = await this.#transport.exchange(body, {
        timeoutMs: this.#options.requestTimeoutMs + durationMs,
        maxAnswer,
        mayReuse: !hasEffect,
      });
      if (NOT_ITS_OWN.has(answer.status)) {
        throw new TransportError(true, false, statusError(answer.status));
      }
      this.#breaker.succeed();
      return hasEffect || isLast || answer.status < 500 ? answer : undefined;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#breaker.fail();
      if (error.wasSent && hasEffect) throw outcomeUnknown(error);
      if (isLast) throw unavailable(error);
      return undefined;
    }
  }
}

/** An empty body is none, and is not parsed; of a refusal that is too long the status is enough. */
function read(action: string, { status, body }: RawAnswer, traits: Traits): DaemonAnswer {
  if (body === undefined) {
    if (status !== SUCCESS) return { status };
    const error = answerTooLong(action, traits.maxAnswer);
    throw traits.hasEffect ? outcomeUnknown(error) : error;
  }
  if (body.length === 0) return { status };
  try {
    return { status, body: body.length <= STRICT_UP_TO ? parseJson(body) : parseFlat(body) };
  } catch (error) {
    if (status !== SUCCESS) return { status };
    const problem = malformedAnswer(action, error);
    throw traits.hasEffect ? outcomeUnknown(problem) : problem;
  }
}

/** A long object's own strings and numbers; what is nested in it is left out. */
function parseFlat(body: Buffer): unknown {
  const value: unknown = JSON.parse(body.toString("utf8"));
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value).filter(([, field]) => typeof field !== "object");
  return Object.fromEntries(entries);
}
