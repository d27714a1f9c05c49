import type { AuditRecord } from "../contract/audit.ts";

/** The log that notifications are drawn from: every move of a task stands in it, committed with the move. */
export interface NoticeLog {
  /** Committed records with a seq above `after`, oldest first. */
  read(after: number, limit: number): Promise<AuditRecord[]>;
  /** The newest committed record's place; 0 where there is none. */
  head(): Promise<{ readonly seq: number }>;
  /** Calls back after records were committed. Returns the function that ends it. */
  onCommitted(listener: () => void): () => void;
}
