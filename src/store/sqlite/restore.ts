import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { unpackArtifacts } from "./artifact-chunks.ts";
import { readHead } from "./audit-store.ts";
import { checkBackup, unmarkBackup } from "./backup-mark.ts";
import { tryClaimDataDir } from "./claim.ts";
import { Connection } from "./connection.ts";
import { type DataDirFiles, dataDirFiles } from "./data-dir.ts";
import { migrate } from "./migrations.ts";
import { noteRestore } from "./restore-note.ts";
import { bringUpToDate, endOpenTasks } from "./restore-state.ts";

export type RestoreReport =
  | {
      readonly state: "restored";
      /** ISO 8601, UTC. */
      readonly takenAt: string;
      /** The database that was there; absent where there was none. */
      readonly kept?: string;
      readonly artifacts: number;
      /** Tasks that were under way in the backup and will not run. */
      readonly ended: number;
    }
  /** A gateway is running: put in place when it starts the next time. */
  | { readonly state: "staged"; readonly takenAt: string; readonly file: string };

/**
 * Puts a backup in place, or where a gateway runs on DATA_DIR stages it for its next start. The
 * database that was there is kept. Throws where the file is not a sound backup of a version this
 * program knows; then nothing is changed.
 */
export function restoreStore(dataDir: string, file: string): RestoreReport {
  const files = dataDirFiles(dataDir);
  const { takenAt } = checkBackup(file);
  const claim = tryClaimDataDir(dataDir);
  try {
    stage(file, files.staged);
    if (claim === undefined) return { state: "staged", takenAt, file: files.staged };
    return placeStaged(files);
  } finally {
    claim?.[Symbol.dispose]();
  }
}

/**
 * Puts a staged backup in place; undefined where there is none. Called at start by whoever holds
 * the claim on DATA_DIR, before the store is opened. A crash at any point is made good by calling
 * it again.
 */
export function applyStagedRestore(dataDir: string): RestoreReport | undefined {
  const files = dataDirFiles(dataDir);
  return existsSync(files.staged) ? placeStaged(files) : undefined;
}

function stage(file: string, staged: string): void {
  const temporary = `${staged}.tmp`;
  rmSync(temporary, { force: true });
  copyFileSync(file, temporary);
  chmodSync(temporary, 0o600);
  syncPath(temporary);
  renameSync(temporary, staged);
  syncPath(dirname(staged));
}

function placeStaged(files: DataDirFiles): RestoreReport {
  const { takenAt } = checkBackup(files.staged);
  // The same suffix however often this has to be started again.
  const stamp = statSync(files.staged).mtime.toISOString().replaceAll(":", "-");
  const aside = `${files.database}.before-restore-${stamp}`;
  const next = `${files.database}.restoring`;
  removeDatabase(next);
  copyFileSync(files.staged, next);
  chmodSync(next, 0o600);

  let artifacts: number;
  let ended: number;
  {
    using connection = new Connection(next, { readOnly: false, journal: "DELETE" });
    artifacts = unpackArtifacts(connection, files.artifacts);
    unmarkBackup(connection);
    migrate(connection, next);
    // After a crash the database that was there is already aside.
    const previous = existsSync(aside) ? aside : files.database;
    const replaced = bringUpToDate(connection, previous);
    ended = endOpenTasks(connection);
    noteRestore(connection, {
      backup_taken_at: takenAt,
      backup_head: readHead(connection),
      ...(replaced !== undefined && { replaced_head: replaced }),
      ended_tasks: ended,
    });
    connection.exec("VACUUM");
  }
  syncPath(next);

  setAside(files, aside, stamp);
  renameSync(next, files.database);
  syncPath(dirname(files.database));
  rmSync(files.staged, { force: true });
  syncPath(dirname(files.database));
  return {
    state: "restored",
    takenAt,
    ...(existsSync(aside) && { kept: aside }),
    artifacts,
    ended,
  };
}

/**
 * The log goes first: a new database beside an old log would have its pages overwritten. Under the
 * name it gets, SQLite finds it again. What is aside already is from before a crash, and what
 * stands in the database's place since then is the restored one.
 */
function setAside(files: DataDirFiles, aside: string, stamp: string): void {
  if (!existsSync(aside)) {
    moveIfThere(`${files.database}-wal`, `${aside}-wal`);
    moveIfThere(files.auditHead, `${files.auditHead}.before-restore-${stamp}`);
    rmSync(`${files.database}-shm`, { force: true });
    syncPath(dirname(files.database));
    moveIfThere(files.database, aside);
  } else {
    for (const suffix of ["-wal", "-shm"]) rmSync(files.database + suffix, { force: true });
  }
  syncPath(dirname(files.database));
}

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}

function removeDatabase(file: string): void {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
