import type { AuditRecord } from "./audit.ts";

/** What of the audit log is looked for. Everything that is given must hold. */
export interface AuditFilter {
  readonly taskId?: string;
  /** `task.rejected`, or `task.*` for all that begin with `task.` */
  readonly type?: string;
  /** null: the gateway itself. */
  readonly keyId?: string | null;
  /** ISO 8601 with ms and Z, as in records: at that time or later; before it. */
  readonly from?: string;
  readonly to?: string;
  /** Stands in the record as it is written down; of A to Z the case does not matter. */
  readonly text?: string;
}

/** Whether a record is one that is looked for; `body` is its text as it is kept. */
export function matchesFilter(
  { type, keyId, from, to, text, taskId }: AuditFilter,
  record: AuditRecord,
  body: string,
): boolean {
  return (
    (taskId === undefined || record.task_id === taskId) &&
    (type === undefined || matchesType(type, record.type)) &&
    (keyId === undefined || record.key_id === keyId) &&
    (from === undefined || record.time >= from) &&
    (to === undefined || record.time < to) &&
    (text === undefined || lower(body).includes(lower(asWritten(text))))
  );
}

/** Text as it stands within a JSON string. */
export function asWritten(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function matchesType(pattern: string, type: string): boolean {
  return pattern.endsWith(".*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** A to Z alone, as SQL compares. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
