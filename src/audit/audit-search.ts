import type { AuditRecord } from "../contract/audit.ts";
import type { AuditFilter } from "../contract/audit-match.ts";

export interface AuditSearch extends AuditFilter {
  readonly order: "oldest" | "newest";
  /** Records after it, or before it with the order `newest`. Absent: from the end that comes first. */
  readonly cursor?: number;
  readonly limit: number;
}

/** In the order asked for. */
export interface AuditPage {
  readonly records: AuditRecord[];
  /** The cursor to go on from; absent where everything was looked at. A page before it may be empty. */
  readonly next?: number;
}

export interface AuditSearcher {
  /** Looks at a bounded part of the log, and gives way to others meanwhile. */
  search(query: AuditSearch): Promise<AuditPage>;
}
