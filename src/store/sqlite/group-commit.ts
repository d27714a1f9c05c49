import { GatewayError } from "../../contract/errors.ts";
import type { Connection } from "./connection.ts";

export interface GroupCommitOptions {
  /** Opens the one connection that writes; called again after a failure. */
  readonly open: () => Connection;
  readonly beforeCommit: () => void;
  readonly onCommitted: () => void;
  /** Everything since the last commit is undone. */
  readonly onRolledBack: () => void;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

interface Group {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits the writes of one turn of the event loop together: one sync to disk for all of them. The
 * first write opens the transaction, every write runs in it at once, and the commit follows when
 * the turn is over. Nobody is told of success before it.
 *
 * There are no savepoints, which cost as much as the write itself: work checks what it can before
 * its first statement. Work that throws without having written rejects alone; where it had
 * written, or the disk refuses, the whole group is undone and everyone in it is told.
 */
export class GroupCommit implements AsyncDisposable {
  readonly #options: GroupCommitOptions;
  #connection: Connection | undefined;
  #group: Group | undefined;
  #closed = false;
  #problem: string | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#connection = options.open();
  }

  /** What the disk last refused with, until a commit succeeds again. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Runs synchronous work in the open group. Resolves with its value once committed; rejects with
   * `audit_unavailable` where that cannot be, with what the work threw where it refused.
   */
  write<T>(work: (connection: Connection) => T): Promise<T> {
    if (this.#closed) return Promise.reject(unavailable("the store is closed", undefined));
    let group: Group;
    let connection: Connection;
    try {
      connection = this.#connection ??= this.#options.open();
      group = this.#group ??= this.#begin(connection);
    } catch (error) {
      return Promise.reject(this.#fail(error));
    }
    const before = connection.changesMade;
    try {
      const value = work(connection);
      return group.done.then(() => value);
    } catch (error) {
      if (connection.changesMade === before && !isDiskError(error)) return Promise.reject(error);
      return Promise.reject(this.#fail(error));
    }
  }

  /** Commits what is open without waiting for the end of the turn. */
  flush(): void {
    if (this.#group !== undefined) this.#commit(this.#group);
  }

  /** Commits what is open; later writes are refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.flush();
    this.#closed = true;
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }

  #begin(connection: Connection): Group {
    connection.run("BEGIN IMMEDIATE");
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    // Every write of the group has its own promise; this one nobody may be waiting for.
    done.catch(() => {});
    const group: Group = { done, resolve, reject };
    setImmediate(() => this.#commit(group));
    return group;
  }

  #commit(group: Group): void {
    const connection = this.#connection;
    if (this.#group !== group || connection === undefined) return;
    try {
      this.#options.beforeCommit();
      connection.run("COMMIT");
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#group = undefined;
    this.#problem = undefined;
    group.resolve();
    this.#options.onCommitted();
  }

  /** Undoes the open group and rejects everyone in it. The next write starts on a new connection. */
  #fail(cause: unknown): GatewayError {
    const group = this.#group;
    const connection = this.#connection;
    const error = unavailable(messageOf(cause), cause);
    this.#group = undefined;
    this.#connection = undefined;
    this.#problem = messageOf(cause);
    try {
      if (connection?.isTransaction) connection.run("ROLLBACK");
    } catch {
      // Closing the connection rolls back as well.
    }
    try {
      connection?.[Symbol.dispose]();
    } catch {
      // It is given up either way.
    }
    this.#options.onRolledBack();
    this.#options.onFailure?.(cause);
    group?.reject(error);
    return error;
  }
}

function unavailable(what: string, cause: unknown): GatewayError {
  return new GatewayError(
    "audit_unavailable",
    `Nothing was done: it could not be recorded (${what}).`,
    {
      hint: "Free space in DATA_DIR or make it writable; the gateway recovers by itself.",
      retry_after: 5,
    },
    cause,
  );
}

/** Result codes (https://www.sqlite.org/rescode.html) that speak of the disk, not of the statement. */
const DISK_ERRORS: ReadonlySet<number> = new Set([
  5, // BUSY
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  15, // PROTOCOL
  26, // NOTADB
]);

function isDiskError(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  // Extended codes carry the primary one in their low byte.
  return typeof error.errcode === "number" && DISK_ERRORS.has(error.errcode & 0xff);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
