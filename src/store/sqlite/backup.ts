import { randomBytes } from "node:crypto";
import { closeSync, existsSync, linkSync, openSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { packArtifacts } from "./artifact-chunks.ts";
import { readHead } from "./audit-store.ts";
import { checkBackup, markBackup } from "./backup-mark.ts";
import { Connection } from "./connection.ts";
import { dataDirFiles } from "./data-dir.ts";
import { requireTables } from "./migrations.ts";

export interface BackupReport {
  readonly file: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  readonly artifacts: number;
  /** Of the newest audit record in it. */
  readonly auditSeq: number;
}

/**
 * Copies database and artifacts of DATA_DIR into one file, beside a running gateway or without one.
 * The file appears whole, checked and with mode 0600, or not at all. Rejects where it exists.
 */
export async function backupStore(dataDir: string, file: string): Promise<BackupReport> {
  const { database, artifacts } = dataDirFiles(dataDir);
  if (!existsSync(database)) throw new Error(`There is no database ${database} to back up.`);
  if (existsSync(file)) throw alreadyThere(file);
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    closeSync(openSync(temporary, "wx", 0o600));
    await copyDatabase(database, temporary);
    const report = complete(temporary, { database, artifacts, file });
    checkBackup(temporary);
    await sync(temporary);
    // A link, unlike a rename, does not replace a file that came between.
    linkSync(temporary, file);
    return report;
  } catch (error) {
    throw isExists(error) ? alreadyThere(file) : error;
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) {
      rmSync(temporary + suffix, { force: true });
    }
    await sync(dirname(file));
  }
}

/** More pages than a database can have. */
const ALL_PAGES = 0x7fffffff;

/** In one go on a thread of its own, from one moment of the database however it is written to. */
async function copyDatabase(database: string, target: string): Promise<void> {
  using source = new DatabaseSync(database, { readOnly: true, timeout: 5_000 });
  // Holds the moment: without it every commit of the gateway starts the copy anew.
  source.exec("BEGIN");
  source.prepare("SELECT count(*) FROM sqlite_schema").get();
  await backup(source, target, { rate: ALL_PAGES });
}

function complete(
  temporary: string,
  { database, artifacts: artifactFolder, file }: Record<"database" | "artifacts" | "file", string>,
): BackupReport {
  using connection = new Connection(temporary, { readOnly: false, journal: "DELETE" });
  requireTables(connection, database);
  const takenAt = new Date().toISOString();
  const auditSeq = readHead(connection).seq;
  connection.exec("BEGIN IMMEDIATE");
  const artifacts = packArtifacts(connection, artifactFolder);
  markBackup(connection, { takenAt, auditSeq });
  connection.exec("COMMIT");
  return { file, takenAt, artifacts, auditSeq };
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}

function isExists(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function alreadyThere(file: string): Error {
  return new Error(`${file} exists already; a backup never overwrites. Name another file.`);
}
