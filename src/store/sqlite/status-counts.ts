import type { TaskStatus } from "../../contract/task.ts";
import type { Connection } from "./connection.ts";
import { codeOf, STATUSES } from "./task-row.ts";

const COUNT = "SELECT requester, status, count(*) AS n FROM tasks GROUP BY requester, status";

/**
 * How many tasks have each status. Counted once, when first asked for, and kept up to date from then
 * on: counting a million at every look at the metrics would hold everybody up.
 */
export class StatusCounts {
  /** By status code, on disk. */
  #counts: number[] | undefined;
  /** Since the last commit. */
  #moves: { code: number; by: number }[] = [];

  /** Part of a write. */
  move(from: number | undefined, to: number | undefined): void {
    if (from !== undefined) this.#moves.push({ code: from, by: -1 });
    if (to !== undefined) this.#moves.push({ code: to, by: 1 });
  }

  /** Returns what to call once the group that was just committed is on disk. */
  commit(): () => void {
    const moves = this.#moves;
    this.#moves = [];
    return () => {
      if (this.#counts !== undefined) apply(this.#counts, moves);
    };
  }

  discard(): void {
    this.#moves = [];
  }

  read(reader: Connection): Record<TaskStatus, number> {
    this.#counts ??= count(reader);
    const counts = this.#counts;
    return Object.fromEntries(
      STATUSES.map((status) => [status, counts[codeOf(status)] ?? 0]),
    ) as Record<TaskStatus, number>;
  }
}

function count(reader: Connection): number[] {
  const counts: number[] = [];
  apply(
    counts,
    reader
      .all<{ status: number; n: number }>(COUNT)
      .map(({ status, n }) => ({ code: status, by: n })),
  );
  return counts;
}

function apply(counts: number[], moves: readonly { code: number; by: number }[]): void {
  for (const { code, by } of moves) counts[code] = (counts[code] ?? 0) + by;
}
