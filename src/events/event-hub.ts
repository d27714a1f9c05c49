import type { GatewayEvent } from "../contract/event.ts";
import { outsideRequests } from "../lib/request-scope.ts";
import { type EventView, Frame } from "./encode-event.ts";
import type { EventFilter, EventStore } from "./event-store.ts";
import { Replay } from "./replay.ts";
import { type EventSink, Subscription } from "./subscription.ts";

export interface SubscribeOptions {
  /** Events with an id above it come first, from the store; absent: only those to come. */
  readonly after?: number | undefined;
  readonly filter: EventFilter;
  readonly view: EventView;
  /** The subscriber's key: the stream ends with it. Absent: anonymous. */
  readonly keyId?: string | undefined;
  /** Called once when the stream is over and the sink will not be written to again. */
  readonly onClosed?: () => void;
}

export interface EventHubOptions {
  readonly heartbeatMs?: number;
  /** A backfill failed; its subscriber was dropped. */
  readonly onError?: (error: unknown) => void;
}

const HEARTBEAT_MS = 15_000;
const HEARTBEAT = Buffer.from(": still here\n\n");
/** Heartbeats without the reader taking a byte after which it is dropped. */
const PATIENCE = 4;

/**
 * Hands committed events to any number of subscribers. Each event is encoded once a view, whoever
 * reads it; one timer serves all heartbeats; a reader that does not keep up is dropped and slows
 * nobody.
 */
export class EventHub implements Disposable {
  readonly #replay: Replay;
  readonly #options: EventHubOptions;
  readonly #subscriptions = new Map<Subscription, (() => void) | undefined>();
  readonly #unlisten: () => void;
  /** Id of the newest event that was announced. */
  #newest = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: EventStore, options: EventHubOptions = {}) {
    this.#replay = new Replay(store);
    this.#options = options;
    this.#unlisten = store.onCommitted((events) => this.#publish(events));
  }

  /** Open streams. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Disposing ends it without touching the sink: for a reader that has gone. */
  subscribe(sink: EventSink, options: SubscribeOptions): Disposable {
    const { after, keyId, filter, view } = options;
    const cursor = after ?? this.#newest;
    const subscription = new Subscription(sink, { keyId, filter, view, cursor });
    if (this.#closed) {
      subscription.close("end");
      options.onClosed?.();
    } else {
      this.#subscriptions.set(subscription, options.onClosed);
      this.#timer ??= outsideRequests(() => this.#startBeating());
      if (after !== undefined) void this.#backfill(subscription);
    }
    return { [Symbol.dispose]: () => this.#close(subscription, "gone") };
  }

  /** Ends the streams of a key that no longer holds. */
  closeKey(keyId: string): void {
    this.#closeWhere((subscription) => subscription.keyId === keyId);
  }

  /** Ends the streams of anonymous readers, when policy no longer allows them. */
  closeAnonymous(): void {
    this.#closeWhere((subscription) => subscription.keyId === undefined);
  }

  /** Ends all streams in good order; later subscribers are ended at once. */
  close(): void {
    this.#closed = true;
    this.#unlisten();
    this.#closeWhere(() => true);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #publish(events: readonly GatewayEvent[]): void {
    for (const event of events) {
      this.#newest = event.id;
      const frame = new Frame(event);
      for (const subscription of this.#subscriptions.keys()) {
        subscription.offer(frame);
        if (subscription.closed) this.#forget(subscription);
      }
    }
  }

  async #backfill(subscription: Subscription): Promise<void> {
    try {
      await subscription.backfill(this.#replay);
      if (subscription.closed) this.#forget(subscription);
    } catch (error) {
      this.#options.onError?.(error);
      this.#close(subscription, "drop");
    }
  }

  #startBeating(): NodeJS.Timeout {
    return setInterval(() => this.#beat(), this.#options.heartbeatMs ?? HEARTBEAT_MS).unref();
  }

  #beat(): void {
    for (const subscription of this.#subscriptions.keys()) {
      if (!subscription.beat(HEARTBEAT, PATIENCE)) this.#close(subscription, "drop");
    }
  }

  #closeWhere(matches: (subscription: Subscription) => boolean): void {
    for (const subscription of this.#subscriptions.keys()) {
      if (matches(subscription)) this.#close(subscription, "end");
    }
  }

  #close(subscription: Subscription, how: "end" | "drop" | "gone"): void {
    subscription.close(how);
    this.#forget(subscription);
  }

  #forget(subscription: Subscription): void {
    const onClosed = this.#subscriptions.get(subscription);
    if (!this.#subscriptions.delete(subscription)) return;
    if (this.#subscriptions.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    onClosed?.();
  }
}
