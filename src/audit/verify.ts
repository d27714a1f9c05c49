import type { AuditHead, ReadRecord } from "./audit-store.ts";
import { readHeadFile } from "./head-file.ts";
import { type ChainVerdict, verifyChain } from "./verify-chain.ts";

export interface VerifyAuditOptions {
  /** Opens the records, oldest first. */
  readonly read: () => AsyncIterable<ReadRecord>;
  /** Where the gateway exports its head; a file that is not there is not held against the log. */
  readonly headFile?: string;
  readonly auditKey: string;
  /** A head noted elsewhere: from the log or the metrics. */
  readonly head?: AuditHead;
}

export type AuditVerdict =
  | (ChainVerdict & { readonly exported: AuditHead | undefined })
  | {
      readonly ok: false;
      readonly problem: "head_file";
      readonly detail: string;
      readonly seq: 0;
      readonly records: 0;
      readonly exported: undefined;
    };

/** Checks an audit log against its key and its exported heads; offline or beside a running gateway. */
export async function verifyAudit(options: VerifyAuditOptions): Promise<AuditVerdict> {
  const { read, headFile, auditKey, head } = options;
  let exported: AuditHead | undefined;
  try {
    // Read before the records: a running gateway moves both, and the head must not be ahead.
    if (headFile !== undefined) exported = await readHeadFile(headFile, auditKey);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, problem: "head_file", detail, seq: 0, records: 0, exported: undefined };
  }
  const expected = [exported, head].filter((known) => known !== undefined);
  return { ...(await verifyChain(read(), auditKey, ...expected)), exported };
}
