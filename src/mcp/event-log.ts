import type { EventId, EventStore, JSONRPCMessage, StreamId } from "@modelcontextprotocol/server";

const MAX_EVENTS = 500;
const MAX_BYTES = 4 * 1024 * 1024;

interface Stored {
  readonly streamId: StreamId;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/**
 * What a session sent, for a client that lost its connection and asks with Last-Event-ID. Bounded:
 * the oldest go first, the newest stays whatever its size. What is gone is no longer resumed from;
 * `task_status` still has every result.
 */
export class EventLog implements EventStore {
  /** In the order they were sent. */
  readonly #events = new Map<EventId, Stored>();
  readonly #limits: { readonly events: number; readonly bytes: number };
  readonly #onGrown: () => void;
  #bytes = 0;
  #last = 0;

  /** `onGrown` is told of each event, for whoever bounds several logs together. */
  constructor({
    limits = { events: MAX_EVENTS, bytes: MAX_BYTES },
    onGrown = () => {},
  }: {
    limits?: { readonly events: number; readonly bytes: number };
    onGrown?: () => void;
  } = {}) {
    this.#limits = limits;
    this.#onGrown = onGrown;
  }

  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#events.clear();
    this.#bytes = 0;
  }

  async storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId> {
    this.#last += 1;
    const id = `e${this.#last}`;
    const bytes = Buffer.byteLength(JSON.stringify(message));
    this.#events.set(id, { streamId, message, bytes });
    this.#bytes += bytes;
    this.#evict();
    this.#onGrown();
    return id;
  }

  has(id: EventId): boolean {
    return this.#events.has(id);
  }

  async replayEventsAfter(
    lastEventId: EventId,
    { send }: { send: (id: EventId, message: JSONRPCMessage) => Promise<void> },
  ): Promise<StreamId> {
    const last = this.#events.get(lastEventId);
    if (last === undefined) throw new Error("There is no such event any more.");
    let passed = false;
    for (const [id, { streamId, message }] of [...this.#events]) {
      // The event that opens a stream carries no message.
      if (passed && streamId === last.streamId && "jsonrpc" in message) await send(id, message);
      if (id === lastEventId) passed = true;
    }
    return last.streamId;
  }

  #evict(): void {
    for (const [id, { bytes }] of this.#events) {
      const fits = this.#events.size <= this.#limits.events && this.#bytes <= this.#limits.bytes;
      if (fits || this.#events.size === 1) return;
      this.#events.delete(id);
      this.#bytes -= bytes;
    }
  }
}
