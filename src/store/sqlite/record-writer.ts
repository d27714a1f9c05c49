import type { AuditRecord } from "../../contract/audit.ts";
import type { Records } from "../../tasks/task-store.ts";
import type { SqliteAuditStore } from "./audit-store.ts";
import type { Connection } from "./connection.ts";
import type { SqliteEventStore } from "./event-store.ts";
import type { TaskIndex } from "./task-index.ts";

/** The task a change is about, so that its records need no search. */
export interface KnownTask {
  readonly id: string;
  readonly seq: number;
}

/** Writes events and audit records along with the change they tell of. */
export class RecordWriter {
  readonly #events: SqliteEventStore;
  readonly #audit: SqliteAuditStore;
  readonly #index: TaskIndex;

  constructor(events: SqliteEventStore, audit: SqliteAuditStore, index: TaskIndex) {
    this.#events = events;
    this.#audit = audit;
    this.#index = index;
  }

  /** Seals the audit part; before the first statement, because a draft may be refused here. */
  seal(records: Records): AuditRecord[] {
    return this.#audit.seal(records.audit);
  }

  /** Part of a write: the events, and the records `seal` gave in the same piece of work. */
  write(
    connection: Connection,
    records: Records,
    sealed: readonly AuditRecord[],
    known?: KnownTask,
  ): void {
    const seqOf = (id: string) =>
      id === known?.id ? known.seq : (this.#index.find(connection, id) ?? null);
    for (const draft of records.events) {
      this.#events.append(connection, draft, draft.task_id === null ? null : seqOf(draft.task_id));
    }
    this.#audit.write(connection, sealed, seqOf);
  }
}
