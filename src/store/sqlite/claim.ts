import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "./store-error.ts";

const LOCK_FILE = "gateway.lock";
/** For the message only: what counts is the lock. */
const PID_FILE = "gateway.pid";

/**
 * Claims DATA_DIR for this process until it is disposed or the process dies, however it dies: an
 * operating-system lock on a file of its own, which also holds between containers that share the
 * volume. The database itself stays open to backup and audit verify. Throws where another
 * gateway has it.
 */
export function claimDataDir(dataDir: string): Disposable {
  const claim = tryClaimDataDir(dataDir);
  if (claim === undefined) {
    throw new StoreError(
      `Another gateway${holder(dataDir)} is running on DATA_DIR ${dataDir}. ` +
        "Stop it, or give this one a DATA_DIR of its own.",
    );
  }
  return claim;
}

/** undefined where another gateway has it. Throws where the folder cannot be written. */
export function tryClaimDataDir(dataDir: string): Disposable | undefined {
  const file = join(dataDir, LOCK_FILE);
  const lock = openLock(file);
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (isBusy(error)) return undefined;
    throw notWritable(file, error);
  }
  writeFileSync(join(dataDir, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
  return {
    [Symbol.dispose]: () => {
      if (lock.isOpen) lock.close();
    },
  };
}

function openLock(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
    // Nothing is ever written to this database: SQLite is here for its locks, which Node lacks.
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw notWritable(file, error);
  }
}

function notWritable(file: string, cause: unknown): StoreError {
  return new StoreError(`${file} cannot be locked; DATA_DIR must be writable.`, { cause });
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}

function holder(dataDir: string): string {
  try {
    return ` (process ${readFileSync(join(dataDir, PID_FILE), "utf8").trim()})`;
  } catch {
    return "";
  }
}
