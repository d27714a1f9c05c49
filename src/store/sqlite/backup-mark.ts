import { existsSync } from "node:fs";
import { Connection } from "./connection.ts";
import { checkVersion } from "./migrations.ts";

/** What a backup says of itself. */
export interface BackupMark {
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /** Of the newest audit record in it. */
  readonly auditSeq: number;
}

const TABLES = ["backup_mark", "artifact_chunks"];

/** Makes a copied database a backup. */
export function markBackup(connection: Connection, mark: BackupMark): void {
  connection.exec("CREATE TABLE backup_mark (taken_at TEXT NOT NULL, audit_seq INTEGER NOT NULL)");
  connection.run(
    "INSERT INTO backup_mark (taken_at, audit_seq) VALUES (?, ?)",
    mark.takenAt,
    mark.auditSeq,
  );
}

/** Makes a backup a plain database again. */
export function unmarkBackup(connection: Connection): void {
  for (const table of TABLES) connection.exec(`DROP TABLE IF EXISTS ${table}`);
}

/**
 * Throws where a file is not a sound backup of a version this program knows: missing, another
 * program's, newer, cut short, damaged.
 */
export function checkBackup(file: string): BackupMark {
  if (!existsSync(file)) throw new Error(`There is no backup ${file}.`);
  try {
    using connection = new Connection(file, { readOnly: true });
    checkVersion(connection, file);
    const mark = connection.get<BackupMark>(
      "SELECT taken_at AS takenAt, audit_seq AS auditSeq FROM backup_mark",
    );
    if (mark === undefined) throw new Error("it has no mark of being complete");
    const found = connection.get<{ integrity_check: string }>("PRAGMA integrity_check(1)");
    if (found?.integrity_check !== "ok") throw new Error(`${found?.integrity_check}`);
    return { ...mark };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${file} is not a sound backup of this gateway: ${why}`, { cause: error });
  }
}
