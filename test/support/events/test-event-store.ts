import type { EventDraft, GatewayEvent } from "../../../src/contract/event.ts";
import type { EventFilter, EventStore } from "../../../src/events/event-store.ts";

/** An event log in memory, for tests: commits when told, may announce later, reads as slowly as asked. */
export class MemoryEventStore implements EventStore {
  readonly #events: GatewayEvent[] = [];
  readonly #listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  #announced = 0;
  /** Awaited within every read, after its result is fixed. */
  pause: () => Promise<void> = async () => {};

  commit(...drafts: readonly EventDraft[]): void {
    this.commitQuietly(...drafts);
    this.announce();
  }

  /** Committed and readable, but the listeners do not know yet. */
  commitQuietly(...drafts: readonly EventDraft[]): void {
    for (const draft of drafts) this.#events.push({ ...draft, id: this.#events.length + 1 });
  }

  announce(): void {
    const group = this.#events.slice(this.#announced);
    this.#announced = this.#events.length;
    if (group.length > 0) for (const listener of this.#listeners) listener(group);
  }

  async read(
    after: number,
    limit: number,
    { taskId, owner }: EventFilter,
  ): Promise<GatewayEvent[]> {
    const found = this.#events
      .slice(after)
      .filter(
        (event) =>
          (taskId === undefined || event.task_id === taskId) &&
          (owner === undefined || event.owner === null || event.owner === owner),
      )
      .slice(0, limit);
    await this.pause();
    return found;
  }

  async lastId(): Promise<number> {
    return this.#events.length;
  }

  onCommitted(listener: (events: readonly GatewayEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
