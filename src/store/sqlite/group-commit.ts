import { GatewayError } from "../../contract/errors.ts";
import { outsideRequests } from "../../lib/request-scope.ts";
import type { Connection } from "./connection.ts";
import { SyncedFile } from "./synced-file.ts";

export interface GroupCommitOptions {
  /** Opens the one connection that writes, which leaves syncing to us; called again after a failure. */
  readonly open: () => Connection;
  /** The write-ahead log of that connection. */
  readonly logFile: string;
  /** What is read elsewhere stays, while held, what is on disk. */
  readonly readers: { hold(): void; release(): void };
  /** The group stands in the log; returns what to call once it is on disk. */
  readonly onCommitted: () => () => void;
  /** Everything since the last commit is undone. */
  readonly onRolledBack: () => void;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

interface Group {
  readonly begun: number;
  /** Writes in it so far. */
  size: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A group that still grows is waited for, up to so many writes and ms: a commit costs by the group. */
const GROUP_SIZE = 256;
const GROUP_MS = 3;

/** Statements, or bytes the log has grown by, after which it is moved into the database. */
const CHECKPOINT_CHANGES = 20_000;
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";

/**
 * Commits concurrent writes together: one sync to disk for all of them. The first write opens the
 * transaction, every write runs in it at once, and it is committed after a turn of the event loop
 * that adds none, once the group before it is on disk. Nobody is told of success, or shown it, before the
 * sync has returned: that is what synchronous=FULL promises, with the difference that the wait for
 * the disk is spent on the next group instead of in the commit.
 *
 * There are no savepoints, which cost as much as the write itself: work checks what it can before
 * its first statement. Work that throws without having written rejects alone; where it had
 * written, or the disk refuses, the whole group is undone and everyone in it is told.
 */
export class GroupCommit implements AsyncDisposable {
  readonly #options: GroupCommitOptions;
  #connection: Connection | undefined;
  #log: SyncedFile | undefined;
  #group: Group | undefined;
  /** Resolves when the group that is on its way to the disk is there. */
  #syncing: Promise<void> | undefined;
  /** As they were when the log was last moved. */
  #moved = { changes: 0, size: 0 };
  #closed = false;
  #problem: string | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#open();
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
      connection = this.#connection ?? this.#open();
      group = this.#group ??= this.#begin(connection);
    } catch (error) {
      return Promise.reject(this.#fail(error));
    }
    const before = connection.changesMade;
    group.size++;
    try {
      const value = work(connection);
      return group.done.then(() => value);
    } catch (error) {
      if (connection.changesMade === before && !isDiskError(error)) return Promise.reject(error);
      return Promise.reject(this.#fail(error));
    }
  }

  /** Commits what is open, and waits for the disk here and now. */
  flush(): void {
    if (this.#group !== undefined) this.#commit(this.#group, "wait");
  }

  /** Commits what is open; later writes are refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#syncing;
    this.flush();
    this.#closed = true;
    this.#close();
  }

  #open(): Connection {
    const connection = this.#options.open();
    try {
      this.#log = new SyncedFile(this.#options.logFile);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
    this.#connection = connection;
    this.#moved = { changes: connection.changesMade, size: 0 };
    return connection;
  }

  #begin(connection: Connection): Group {
    connection.run("BEGIN IMMEDIATE");
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    // Every write of the group has its own promise; this one nobody may be waiting for.
    done.catch(() => {});
    const group: Group = { begun: performance.now(), size: 0, done, resolve, reject };
    if (this.#syncing === undefined) outsideRequests(() => this.#commitWhenQuiet(group));
    return group;
  }

  /** Commits a group after the first turn of the event loop that adds nothing to it. */
  #commitWhenQuiet(group: Group, size = 0): void {
    setImmediate(() => {
      const grows = group.size > size && group.size < GROUP_SIZE;
      if (grows && performance.now() - group.begun < GROUP_MS) {
        this.#commitWhenQuiet(group, group.size);
      } else {
        this.#commit(group);
      }
    });
  }

  #commit(group: Group, how?: "wait"): void {
    const [connection, log] = [this.#connection, this.#log];
    if (this.#group !== group || connection === undefined || log === undefined) return;
    const moves = this.#isLogLong(connection, log);
    try {
      // A log that a reader still looks into cannot be moved to its end.
      if (moves) this.#options.readers.release();
      else this.#options.readers.hold();
      connection.run("COMMIT");
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#group = undefined;
    // Not when the sync returns: the next group may have failed by then.
    this.#problem = undefined;
    const tell = this.#options.onCommitted();
    if (moves || how === "wait") {
      log.syncNow();
      if (moves) this.#moveLog(connection, log);
      this.#tellOfSuccess(group, tell);
    } else {
      this.#sync(group, log, tell);
    }
  }

  #sync(group: Group, log: SyncedFile, tell: () => void): void {
    this.#syncing = log.sync().then(() => {
      this.#syncing = undefined;
      this.#tellOfSuccess(group, tell);
      if (this.#group !== undefined) this.#commitWhenQuiet(this.#group);
    });
  }

  #tellOfSuccess(group: Group, tell: () => void): void {
    this.#options.readers.release();
    group.resolve();
    tell();
  }

  #isLogLong(connection: Connection, log: SyncedFile): boolean {
    return (
      connection.changesMade - this.#moved.changes >= CHECKPOINT_CHANGES ||
      log.size - this.#moved.size >= CHECKPOINT_BYTES
    );
  }

  /** Moves the log into the database, so that it starts over, as far as other readers allow now. */
  #moveLog(connection: Connection, log: SyncedFile): void {
    this.#moved = { changes: connection.changesMade, size: log.size };
    try {
      const moved = connection.get<{ log: number; checkpointed: number }>(CHECKPOINT);
      // All of it: the next commit starts the log over, and its file is cut back.
      if (moved?.log === moved?.checkpointed) this.#moved.size = 0;
    } catch (error) {
      // The group is safe in the log either way.
      this.#options.onFailure?.(error);
    }
  }

  #close(): void {
    const [connection, log] = [this.#connection, this.#log];
    this.#connection = undefined;
    this.#log = undefined;
    // A sync under way needs its descriptor.
    void Promise.resolve(this.#syncing).then(() => log?.[Symbol.dispose]());
    connection?.[Symbol.dispose]();
  }

  /** Undoes the open group and rejects everyone in it. The next write starts on a new connection. */
  #fail(cause: unknown): GatewayError {
    const group = this.#group;
    const error = unavailable(messageOf(cause), cause);
    this.#group = undefined;
    this.#problem = messageOf(cause);
    try {
      if (this.#connection?.isTransaction) this.#connection.run("ROLLBACK");
    } catch {
      // Closing the connection rolls back as well.
    }
    try {
      this.#close();
    } catch {
      // It is given up either way.
    }
    if (this.#syncing === undefined) this.#options.readers.release();
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
