import { get, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { authHeaders } from "./call.ts";
import type { Credentials, Gateway } from "./gateway.ts";

/** One message of `GET /events`: its id and its parsed data. */
export interface StreamEvent {
  readonly id: number;
  readonly event: string;
  readonly task_id: string | null;
  readonly timestamp: string;
  readonly progress?: number;
  readonly message?: string;
  readonly result?: Record<string, unknown> | null;
  readonly [field: string]: unknown;
}

export interface EventsOptions {
  /** Of the query: `task_id=…&since=0`. */
  readonly query?: string;
  /** `{}` subscribes as a stranger. */
  readonly credentials?: Credentials;
  readonly lastEventId?: number | string;
}

/** Subscribes; resolves when the answer's headers are there. */
export async function openEvents(
  gateway: Gateway,
  options: EventsOptions = {},
): Promise<EventReader> {
  const target = options.query === undefined ? "/events" : `/events?${options.query}`;
  const credentials = options.credentials ?? gateway.keys.default;
  const headers: Record<string, string> = authHeaders(credentials, "GET", target, "");
  if (options.lastEventId !== undefined) headers["last-event-id"] = String(options.lastEventId);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // No agent: a connection of its own, closed with the stream.
  const request = get(gateway.url + target, { headers, agent: false }, resolve);
  request.on("error", reject);
  return new EventReader(await promise);
}

/** Reads a stream of events in order; closes with `await using`. */
export class EventReader implements AsyncDisposable {
  readonly response: IncomingMessage;
  /** Everything that has arrived. */
  readonly seen: StreamEvent[] = [];
  /** Comment lines that have arrived, such as the heartbeat. */
  readonly comments: string[] = [];
  #taken = 0;
  #ended = false;
  #wake: (() => void)[] = [];
  #id = "";
  #data: string[] = [];
  /** A line that is none of an event stream; the last one may be cut off by a kill. */
  #odd: string | undefined;

  constructor(response: IncomingMessage) {
    this.response = response;
    const lines = createInterface(response);
    lines.on("line", (line) => this.#read(line));
    lines.on("close", () => this.#end());
    response.on("error", () => this.#end());
  }

  /** The next event; rejects if the stream ends before it. */
  async next(): Promise<StreamEvent> {
    for (;;) {
      const event = this.seen[this.#taken];
      if (event) {
        this.#taken += 1;
        return event;
      }
      if (this.#ended) throw new Error(`the stream ended after ${this.#names()}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** The next event of that name, of that task if one is given; skips others. */
  async until(name: string, taskId?: string): Promise<StreamEvent> {
    for (;;) {
      const event = await this.next();
      if (event.event === name && (taskId === undefined || event.task_id === taskId)) return event;
    }
  }

  /** The next `count` events. */
  async take(count: number): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  /** Resolves when the gateway has closed the stream. */
  async ended(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.response.destroy();
  }

  #read(line: string): void {
    if (this.#odd !== undefined) throw new Error(`not a line of an event stream: ${this.#odd}`);
    if (line.startsWith(":")) this.comments.push(line.slice(1).trim());
    else if (line.startsWith("id: ")) this.#id = line.slice(4);
    else if (line.startsWith("data: ")) this.#data.push(line.slice(6));
    else if (line !== "") this.#odd = line;
    else if (this.#data.length > 0) {
      const data = JSON.parse(this.#data.join("\n"));
      this.seen.push({ ...data, id: Number(this.#id) });
      this.#data = [];
    }
    if (line === "" || line.startsWith(":")) this.#wakeAll();
  }

  #end(): void {
    this.#ended = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #names(): string {
    return this.seen.map(({ event }) => event).join(", ") || "no event";
  }
}
