import type { ReadRecord } from "../../audit/audit-store.ts";
import { MISFILED } from "../../contract/audit.ts";
import { type AuditRow, toRecord } from "./audit-store.ts";
import type { Connection } from "./connection.ts";
import type { TaskIndex } from "./task-index.ts";

interface FiledRow extends AuditRow {
  /** The task it is filed under, by its seq, and that task's id while it is kept. */
  readonly task: number | null;
  readonly holder: string | null;
}

const READ = `
  SELECT audit.seq, audit.body, audit.mac, audit.task, tasks.id AS holder,
    (SELECT mac FROM audit AS before WHERE before.seq = audit.seq - 1) AS prev
  FROM audit LEFT JOIN tasks ON tasks.seq = audit.task
  WHERE audit.seq > max(?, 0) ORDER BY audit.seq LIMIT ?`;

/** Records after a seq, oldest first, those marked that a search by their task would not find. */
export function readFiled(
  connection: Connection,
  index: TaskIndex,
  after: number,
  limit: number,
): ReadRecord[] {
  return connection.all<FiledRow>(READ, after, limit).map((row) => {
    const record = toRecord(row);
    return isFiled(connection, index, record.task_id, row)
      ? record
      : { ...record, [MISFILED]: true };
  });
}

function isFiled(
  connection: Connection,
  index: TaskIndex,
  taskId: string | undefined,
  { task, holder }: FiledRow,
): boolean {
  if (taskId === undefined) return task === null;
  // What is about a task that never was is filed under none.
  if (task === null) return index.candidates(connection, taskId).size === 0;
  return (holder === null || holder === taskId) && index.leadsTo(connection, taskId, task);
}
