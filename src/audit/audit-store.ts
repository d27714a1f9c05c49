import type { AuditDraft, AuditRecord, MISFILED } from "../contract/audit.ts";

/** A record as it is read to be verified. */
export type ReadRecord = AuditRecord & { readonly [MISFILED]?: true };

/** Seals a draft onto the chain: numbers it, links it to `prev`, computes its MAC. */
export type SealRecord = (draft: AuditDraft, prev: AuditHead) => AuditRecord;

export interface AuditHead {
  /** 0 before the first record. */
  readonly seq: number;
  readonly mac: string;
}

export interface AuditStore {
  /** Durable when it resolves; rejects with `audit_unavailable` when it cannot be. */
  append(drafts: readonly AuditDraft[]): Promise<void>;
  /** Committed records with a seq above `after`, oldest first. */
  read(after: number, limit: number, taskId?: string): Promise<AuditRecord[]>;
  /** The newest committed record's place. */
  head(): Promise<AuditHead>;
}
