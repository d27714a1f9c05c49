import type { GatewayEvent } from "../contract/event.ts";

/** `full` for those who may see the task; `redacted` for anonymous subscribers. */
export type EventView = "full" | "redacted";

const FIELDS = {
  full: ({ event, task_id, timestamp, data }: GatewayEvent) =>
    // Named twice: the order comes from the first object, the values from the last.
    Object.assign({ event, task_id, timestamp }, data, { event, task_id, timestamp }),
  redacted: ({ event, task_id, timestamp, data: { progress } }: GatewayEvent) =>
    progress === undefined
      ? { event, task_id, timestamp }
      : { event, task_id, timestamp, progress },
} as const satisfies Record<EventView, (event: GatewayEvent) => object>;

/** What JSON may carry bare, and many a reader of lines (Python's, Node's) takes for the end of one. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/**
 * The event as it goes over the wire: `id`, one line of JSON in `data`, an empty line. Every kind of
 * line end within a string is escaped, so no content can begin a field or an event of its own.
 */
export function encodeEvent(event: GatewayEvent, view: EventView): Buffer {
  const json = JSON.stringify(FIELDS[view](event)).replace(LINE_ENDS, escaped);
  return Buffer.from(`id: ${event.id}\ndata: ${json}\n\n`);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** An event on its way to many subscribers: encoded when a view is first asked for, once. */
export class Frame {
  readonly event: GatewayEvent;
  readonly #encoded: Partial<Record<EventView, Buffer>> = {};

  constructor(event: GatewayEvent) {
    this.event = event;
  }

  bytes(view: EventView): Buffer {
    this.#encoded[view] ??= encodeEvent(this.event, view);
    return this.#encoded[view];
  }
}
