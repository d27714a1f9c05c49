import type { Connection } from "./connection.ts";
import { PENDING_END } from "./task-row.ts";

const SUM = `
  SELECT requester, sum(octet_length(plan) + octet_length(notes)) AS bytes
  FROM tasks INDEXED BY tasks_pending CROSS JOIN plans ON plans.seq = tasks.seq
  WHERE status < ${PENDING_END} GROUP BY requester`;

/**
 * What the plans of each key take on disk that have not begun and have not ended. Summed up at the
 * start and kept up to date from then on; what is being written counts already.
 */
export class PendingBytes {
  readonly #bytes: Map<string, number>;
  /** Since the last commit. */
  #moves: { readonly requester: string; readonly by: number }[] = [];

  constructor(reader: Connection) {
    const rows = reader.all<{ requester: string; bytes: number }>(SUM);
    this.#bytes = new Map(rows.map(({ requester, bytes }) => [requester, bytes]));
  }

  of(requester: string): number {
    return this.#bytes.get(requester) ?? 0;
  }

  /** Part of a write. */
  move(requester: string, by: number): void {
    this.#add(requester, by);
    this.#moves.push({ requester, by });
  }

  commit(): void {
    this.#moves = [];
  }

  discard(): void {
    for (const { requester, by } of this.#moves) this.#add(requester, -by);
    this.#moves = [];
  }

  #add(requester: string, by: number): void {
    const bytes = this.of(requester) + by;
    if (bytes > 0) this.#bytes.set(requester, bytes);
    else this.#bytes.delete(requester);
  }
}
