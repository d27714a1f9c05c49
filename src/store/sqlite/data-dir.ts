import { join } from "node:path";

/** Where things stand in DATA_DIR. */
export interface DataDirFiles {
  readonly database: string;
  /** Bytes of artifacts. */
  readonly artifacts: string;
  /** The exported audit head. */
  readonly auditHead: string;
  /** An operator's word on a head that the log contradicts, until the gateway has taken it up. */
  readonly acknowledgement: string;
  /** A backup that is put in place at the next start. */
  readonly staged: string;
}

export function dataDirFiles(dataDir: string): DataDirFiles {
  return {
    database: join(dataDir, "gateway.db"),
    artifacts: join(dataDir, "artifacts"),
    auditHead: join(dataDir, "audit-head.json"),
    acknowledgement: join(dataDir, "audit-acknowledged.json"),
    staged: join(dataDir, "restore-staged.db"),
  };
}
