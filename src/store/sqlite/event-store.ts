import type { SQLInputValue } from "node:sqlite";
import type { EventDraft, GatewayEvent } from "../../contract/event.ts";
import type { EventFilter, EventStore } from "../../events/event-store.ts";
import type { Connection } from "./connection.ts";
import type { TaskIndex } from "./task-index.ts";

type Listener = (events: readonly GatewayEvent[]) => void;

interface EventRow {
  readonly id: number;
  readonly owner: string | null;
  readonly body: string;
}

const INSERT = "INSERT INTO events (task, owner, body) VALUES (?, ?, ?)";
const ROW = "SELECT id, owner, body FROM events";
const READ_ALL = `${ROW} WHERE id > ? ORDER BY id LIMIT ?`;
const READ_TASK = `${ROW} WHERE task = ? AND id > ? ORDER BY id LIMIT ?`;
const READ_OWNER = `${ROW} WHERE owner IS ? AND id > ? ORDER BY id LIMIT ?`;
/** Counts what was removed as well: an id is never given twice. */
const LAST_ID = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";

/** UTF-16 units after which a page ends: an event may carry the results of a hundred steps. */
const PAGE_LENGTH = 1024 * 1024;

export class SqliteEventStore implements EventStore {
  readonly #reader: Connection;
  readonly #index: TaskIndex;
  readonly #onListenerError: (error: unknown) => void;
  readonly #listeners = new Set<Listener>();
  #pending: GatewayEvent[] = [];

  constructor(reader: Connection, index: TaskIndex, onListenerError: (error: unknown) => void) {
    this.#reader = reader;
    this.#index = index;
    this.#onListenerError = onListenerError;
  }

  async read(after: number, limit: number, filter: EventFilter): Promise<GatewayEvent[]> {
    const { taskId, owner } = filter;
    if (taskId !== undefined) {
      const seq = this.#index.find(this.#reader, taskId);
      if (seq === undefined) return [];
      const events = this.#page(READ_TASK, limit, seq, after).rows.map(toEvent);
      // A task has one owner, so the limit holds whichever way this falls.
      return events.filter((event) => owner === undefined || isFor(event, owner));
    }
    if (owner === undefined) return this.#page(READ_ALL, limit, after).rows.map(toEvent);
    // Two walks along the index, each in order, rather than one that sorts all it finds.
    const own = this.#page(READ_OWNER, limit, owner, after);
    const common = this.#page(READ_OWNER, limit, null, after);
    return [...own.rows, ...common.rows]
      .filter(({ id }) => id <= own.end && id <= common.end)
      .sort((a, b) => a.id - b.id)
      .slice(0, limit)
      .map(toEvent);
  }

  async lastId(): Promise<number> {
    return this.#reader.get<{ seq: number }>(LAST_ID)?.seq ?? 0;
  }

  onCommitted(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Part of a write: appends events of the task at `task`, or of none. */
  append(connection: Connection, draft: EventDraft, task: number | null): void {
    const { event, task_id, owner, timestamp, data } = draft;
    const body = JSON.stringify({ event, task_id, timestamp, data });
    const { lastId } = connection.run(INSERT, task, owner, body);
    this.#pending.push({ id: lastId, event, task_id, owner, timestamp, data });
  }

  /** The events of the group that was just committed: for `deliver`, once they are on disk. */
  take(): readonly GatewayEvent[] {
    const events = this.#pending;
    this.#pending = [];
    return events;
  }

  /** Hands events to the listeners; one that throws hinders no other. */
  deliver(events: readonly GatewayEvent[]): void {
    if (events.length === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(events);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  discard(): void {
    this.#pending = [];
  }

  /** Rows until there are enough, or they are long; `end`: up to which id nothing is missing. */
  #page(sql: string, limit: number, ...values: SQLInputValue[]): { rows: EventRow[]; end: number } {
    const rows: EventRow[] = [];
    let length = 0;
    for (const row of this.#reader.iterate<EventRow>(sql, ...values, limit)) {
      rows.push(row);
      length += row.body.length;
      if (length >= PAGE_LENGTH) return { rows, end: row.id };
    }
    return { rows, end: Number.POSITIVE_INFINITY };
  }
}

function isFor(event: GatewayEvent, owner: string): boolean {
  return event.owner === null || event.owner === owner;
}

function toEvent({ id, owner, body }: EventRow): GatewayEvent {
  return { ...(JSON.parse(body) as Omit<EventDraft, "owner">), id, owner };
}
