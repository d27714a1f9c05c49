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

/**
 * The event as it goes over the wire: `id`, one line of JSON in `data`, an empty line. JSON escapes
 * the line ends within its strings, so no content can begin a field or an event of its own.
 */
export function encodeEvent(event: GatewayEvent, view: EventView): Buffer {
  return Buffer.from(`id: ${event.id}\ndata: ${JSON.stringify(FIELDS[view](event))}\n\n`);
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
