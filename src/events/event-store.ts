import type { GatewayEvent } from "../contract/event.ts";

export interface EventFilter {
  /** Only events of this task. */
  readonly taskId?: string;
  /** Only this owner's events and those without an owner; absent: everyone's. */
  readonly owner?: string;
}

export interface EventStore {
  /**
   * Committed events with an id above `after`, in order: at most `limit`, fewer where they are large,
   * none only where there are no more.
   */
  read(after: number, limit: number, filter: EventFilter): Promise<GatewayEvent[]>;
  /** Id of the newest committed event; 0 when there is none. */
  lastId(): Promise<number>;
  /**
   * Calls back with each group of committed events, in id order, without gap or repeat.
   * Returns the function that ends it.
   */
  onCommitted(listener: (events: readonly GatewayEvent[]) => void): () => void;
}
