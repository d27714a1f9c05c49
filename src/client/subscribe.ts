import { setTimeout as sleep } from "node:timers/promises";
import type { EventName } from "../contract/event.ts";
import type { TaskError, TaskResult } from "../contract/task.ts";
import { backoff } from "../lib/backoff.ts";
import { parseEventStream } from "./event-stream.ts";
import { GatewayRequestError } from "./request-error.ts";

/** An event as it arrives. Without a key only `event`, `task_id`, `timestamp` and `progress` do. */
export interface ClientEvent {
  /** Grows; resume with it. */
  readonly id: number;
  readonly event: EventName;
  /** Null for events of the gateway itself. */
  readonly task_id: string | null;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  /** 0 to 100. */
  readonly progress?: number;
  readonly message?: string;
  readonly result?: TaskResult;
  readonly error?: TaskError;
  readonly [name: string]: unknown;
}

export interface SubscribeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called before each new connection, with what ended the last one. */
  readonly onReconnect?: ((problem: Error, attempt: number) => void) | undefined;
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 10_000;
/** The gateway sends a comment every 15 s: three missed ones are a dead connection. */
const SILENCE_MS = 50_000;

/**
 * Events over as many connections as it takes: `open` connects, asked to resume after an event id
 * once there is one. The first connection's failure is thrown, later ones are tried again unless
 * the answer says that trying is no use (401, 403, 404). Aborting ends the iteration quietly.
 */
export async function* subscribe(
  open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>,
  options: SubscribeOptions,
): AsyncGenerator<ClientEvent, void, void> {
  const { signal, onReconnect } = options;
  let lastEventId: string | undefined;
  let attempt = 0;
  let connected = false;
  while (!signal?.aborted) {
    const connection = new Connection(signal);
    let problem: unknown = new Error("the gateway closed the event stream");
    try {
      const response = await open(lastEventId, connection.signal);
      connected = true;
      for await (const message of parseEventStream(connection.bytes(response))) {
        attempt = 0;
        if (message.id !== "") lastEventId = message.id;
        if (message.data !== "") yield eventOf(message.id, message.data);
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!connected || isFinal(error)) throw error;
      problem = error;
    } finally {
      connection.close();
    }
    attempt += 1;
    onReconnect?.(problem instanceof Error ? problem : new Error(String(problem)), attempt);
    await pause(problem, attempt, signal);
  }
}

/** One connection: aborted with the caller's signal, when it falls silent, and when it is left. */
class Connection {
  readonly #own = new AbortController();
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal | undefined) {
    this.signal = outer ? AbortSignal.any([outer, this.#own.signal]) : this.#own.signal;
  }

  async *bytes(response: Response): AsyncGenerator<Uint8Array, void, void> {
    const silent = () => this.#own.abort(new Error(`nothing arrived for ${SILENCE_MS / 1000} s`));
    const timer = setTimeout(silent, SILENCE_MS);
    try {
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        yield chunk;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#own.abort();
  }
}

function eventOf(id: string, data: string): ClientEvent {
  try {
    return { ...(JSON.parse(data) as Omit<ClientEvent, "id">), id: Number(id) } as ClientEvent;
  } catch (cause) {
    throw new GatewayRequestError("unexpected_answer", 200, "An event is not JSON.", {
      cause,
      hint: "Check that the URL is the gateway's, and what any proxy before it does.",
    });
  }
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof GatewayRequestError)) return false;
  if (error.code === "unexpected_answer" && error.status === 200) return true;
  return error.status >= 400 && error.status < 500 && error.status !== 429 && error.status !== 408;
}

async function pause(problem: unknown, attempt: number, signal?: AbortSignal): Promise<void> {
  const asked = problem instanceof GatewayRequestError ? (problem.retryAfter ?? 0) * 1000 : 0;
  const ms = Math.max(asked, backoff(attempt - 1, FIRST_PAUSE_MS, MAX_PAUSE_MS));
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}
