import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** How long a statement waits for another process's lock, ms; the whole program waits with it. */
const BUSY_TIMEOUT_MS = 500;

/** The log file is cut back to this many bytes when it starts over. */
const LOG_SIZE_LIMIT = 8 * 1024 * 1024;

/** One SQLite connection; statements are prepared once and kept by their text. */
export class Connection implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #changesMade = 0;

  /**
   * A file that is missing is made, with its folder, unless it is to be read only. Throws where it
   * cannot be opened, or is no database. With `syncs: "owner"` a commit stands in the log only: whoever
   * owns the connection syncs that before it tells of success, and moves it into the database.
   */
  constructor(
    file: string,
    options: { readOnly: boolean; journal?: "WAL" | "DELETE"; syncs?: "owner" },
  ) {
    if (options.readOnly) {
      this.#database = openReadOnly(file);
    } else {
      makePrivate(file);
      this.#database = open(file, false, writePragmas(options));
    }
  }

  /** Statements run so far that may have written; says whether a failed piece of work left a trace. */
  get changesMade(): number {
    return this.#changesMade;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.#prepared(sql).run(...values);
    this.#changesMade++;
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** The rows have the columns that the text selects, which the caller states as `Row`. */
  all<Row extends object>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as unknown as Row[];
  }

  get<Row extends object>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as unknown as Row | undefined;
  }

  /** Rows one by one; nothing else may use the same text while it is under way. */
  iterate<Row extends object>(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#prepared(sql).iterate(...values) as unknown as Iterable<Row>;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** A small cache: rows are appended, so what is written is rarely read again by this connection. */
const writePragmas = (options: { journal?: "WAL" | "DELETE"; syncs?: "owner" }) => `
  PRAGMA journal_mode = ${options.journal ?? "WAL"};
  PRAGMA synchronous = ${options.syncs === "owner" ? "NORMAL" : "FULL"};
  PRAGMA foreign_keys = ON;
  PRAGMA cache_size = -2048;
  ${options.syncs === "owner" ? "PRAGMA wal_autocheckpoint = 0;" : ""}
  PRAGMA journal_size_limit = ${LOG_SIZE_LIMIT};
  PRAGMA trusted_schema = OFF;
`;

const READ_PRAGMAS = `
  PRAGMA cache_size = -2048;
  PRAGMA query_only = ON;
  PRAGMA trusted_schema = OFF;
`;

function open(file: string | URL, readOnly: boolean, pragmas: string): DatabaseSync {
  const database = new DatabaseSync(file, {
    readOnly,
    timeout: BUSY_TIMEOUT_MS,
    allowExtension: false,
    defensive: true,
  });
  try {
    database.exec(pragmas);
    // The file itself is read with the first query only: better now than later.
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function openReadOnly(file: string): DatabaseSync {
  try {
    return open(file, true, READ_PRAGMAS);
  } catch (error) {
    // On a medium that takes no side files, a database that needs none can be read as it is.
    if (!existsSync(file) || existsSync(`${file}-wal`)) throw error;
    const url = pathToFileURL(file);
    url.searchParams.set("immutable", "1");
    return open(url, true, READ_PRAGMAS);
  }
}

/** Folder 0700 where it is made, files 0600; SQLite gives its side files the mode of the first. */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Opened only where it is missing: closing any descriptor of a database drops its locks.
  if (!existsSync(file)) closeSync(openSync(file, "ax", 0o600));
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(name)) chmodSync(name, 0o600);
  }
}
