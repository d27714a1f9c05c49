import type { EventName } from "../../src/contract/event.ts";

/** An event as the stream sends it. */
export interface LiveEvent {
  readonly id: number;
  readonly event: EventName;
  readonly task_id: string | null;
  readonly timestamp: string;
  readonly progress?: number;
  readonly message?: string;
  readonly [field: string]: unknown;
}

export type LiveState = "connecting" | "live" | "broken";

interface Options {
  /** Only of this task, from its first event on. */
  readonly taskId?: string;
  /** After this event; absent: only those to come, or all of the task. */
  readonly since?: number | undefined;
  readonly onEvent: (event: LiveEvent) => void;
  readonly onState?: (state: LiveState) => void;
  /** The stream begins anew after a gap: what was shown may be out of date. */
  readonly onGap?: () => void;
  readonly open?: ((url: string) => EventSource) | undefined;
}

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;

/**
 * GET /events for as long as it is not closed. A browser gives up a stream that was refused once (a
 * restart does that), so opening it again is done here, after the newest event that was seen.
 */
export class LiveEvents {
  readonly #options: Options;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last: number | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#last = options.since;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  /** Gives the connection back until `hurry`; nothing is missed. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  /** Does not wait for the next try; for a page that comes back to the front. */
  hurry(): void {
    if (this.#closed || this.#source !== undefined) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #open(): void {
    const { taskId, onState, onGap, open = (url) => new EventSource(url) } = this.#options;
    const query = new URLSearchParams();
    if (taskId !== undefined) query.set("task_id", taskId);
    const since = this.#last ?? (taskId === undefined ? undefined : 0);
    if (since !== undefined) query.set("since", String(since));
    const text = query.toString();
    const source = open(text === "" ? "/events" : `/events?${text}`);
    this.#source = source;
    onState?.("connecting");
    source.onopen = () => {
      const again = this.#failures > 0;
      this.#failures = 0;
      onState?.("live");
      if (again) onGap?.();
    };
    source.onmessage = ({ data, lastEventId }) => {
      const id = Number(lastEventId);
      if (Number.isSafeInteger(id) && lastEventId !== "") this.#last = id;
      const event = parse(data, id);
      if (event !== undefined) this.#options.onEvent(event);
    };
    source.onerror = () => {
      source.close();
      this.#source = undefined;
      if (this.#closed) return;
      this.#failures += 1;
      onState?.("broken");
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS);
      // Spread out: all pages lose their stream at the same moment.
      this.#timer = setTimeout(() => this.#open(), pause * (0.75 + Math.random() / 2));
    };
  }
}

function parse(data: unknown, id: number): LiveEvent | undefined {
  try {
    const value: unknown = JSON.parse(String(data));
    if (typeof value !== "object" || value === null || !("event" in value)) return undefined;
    return { ...(value as Omit<LiveEvent, "id">), id } as LiveEvent;
  } catch {
    return undefined;
  }
}
