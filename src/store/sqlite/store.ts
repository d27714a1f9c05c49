import { existsSync } from "node:fs";
import type { SealRecord } from "../../audit/audit-store.ts";
import { SqliteArtifactStore } from "./artifact-store.ts";
import { SqliteAuditSearch } from "./audit-search.ts";
import { readHead, SqliteAuditStore } from "./audit-store.ts";
import { Connection } from "./connection.ts";
import { SqliteEventStore } from "./event-store.ts";
import { SqliteGrantStore } from "./grant-store.ts";
import { GroupCommit } from "./group-commit.ts";
import { SqliteKeyStore } from "./key-store.ts";
import { migrate } from "./migrations.ts";
import { PendingBytes } from "./pending-bytes.ts";
import { SqlitePeopleStore } from "./people-store.ts";
import { RecordWriter } from "./record-writer.ts";
import { SqliteRecordedPlans } from "./recorded-plans.ts";
import { SqliteReplayStore } from "./replay-store.ts";
import { recordRestore } from "./restore-note.ts";
import { SqliteSettingStore } from "./setting-store.ts";
import { SnapshotReader } from "./snapshot-reader.ts";
import { SqliteStatisticsStore } from "./statistics-store.ts";
import { StatusCounts } from "./status-counts.ts";
import { StoreError } from "./store-error.ts";
import { TaskIndex } from "./task-index.ts";
import { SqliteTaskStore } from "./task-store.ts";
import { SqliteWebhookStore } from "./webhook-store.ts";

/** The part of a pino logger that the store uses. */
export interface StoreLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StoreOptions {
  /** The database file; it and its folder are made where they are missing. */
  readonly file: string;
  /** Seals audit records onto their chain. */
  readonly seal: SealRecord;
  readonly log?: StoreLog;
}

/** Every port over one SQLite file: one connection writes, another reads what is committed. */
export class SqliteStore implements AsyncDisposable {
  readonly tasks: SqliteTaskStore;
  readonly events: SqliteEventStore;
  readonly audit: SqliteAuditStore;
  readonly replays: SqliteReplayStore;
  readonly artifacts: SqliteArtifactStore;
  readonly settings: SqliteSettingStore;
  readonly webhooks: SqliteWebhookStore;
  readonly grants: SqliteGrantStore;
  readonly people: SqlitePeopleStore;
  readonly keys: SqliteKeyStore;
  readonly plans: SqliteRecordedPlans;
  readonly auditSearch: SqliteAuditSearch;
  readonly statistics: SqliteStatisticsStore;
  readonly #group: GroupCommit;
  readonly #reader: SnapshotReader;
  #scans: Connection | undefined;
  #closed = false;

  constructor({ file, seal, log }: StoreOptions) {
    const writer = openWriter(file);
    const reader = new SnapshotReader(file);
    const index = new TaskIndex(reader);
    const counts = new StatusCounts();
    const pending = new PendingBytes(reader);
    let first: Connection | undefined = writer;
    const group = new GroupCommit({
      open: () => {
        const connection = first ?? this.#reopen(file);
        first = undefined;
        return connection;
      },
      logFile: `${file}-wal`,
      readers: reader,
      onCommitted: () => {
        const showIndex = index.commit();
        const showCounts = counts.commit();
        pending.commit();
        const showHead = this.audit.commit();
        const events = this.events.take();
        return () => {
          showIndex();
          showCounts();
          showHead();
          this.events.deliver(events);
        };
      },
      onRolledBack: () => {
        index.discard();
        counts.discard();
        pending.discard();
        this.audit.discard();
        this.events.discard();
      },
      onFailure: (err) => log?.error({ err }, "the store could not commit; nothing was recorded"),
    });
    this.#group = group;
    this.#reader = reader;
    this.events = new SqliteEventStore(reader, index, (err) =>
      log?.error({ err }, "a listener of events failed"),
    );
    this.audit = new SqliteAuditStore(group, reader, index, seal, readHead(reader));
    const records = new RecordWriter(this.events, this.audit, index);
    this.tasks = new SqliteTaskStore({ group, reader, records, index, counts, pending });
    this.replays = new SqliteReplayStore(group, reader);
    this.artifacts = new SqliteArtifactStore(group, reader, index);
    this.settings = new SqliteSettingStore(group, reader, records);
    this.webhooks = new SqliteWebhookStore(group, reader, records);
    this.grants = new SqliteGrantStore(group, reader, records);
    this.people = new SqlitePeopleStore(group, reader, records);
    this.keys = new SqliteKeyStore(group, reader, records);
    const scans = () => this.#openScans(file);
    this.plans = new SqliteRecordedPlans(scans);
    const end = () => this.audit.durableHead.seq;
    this.auditSearch = new SqliteAuditSearch({ scans, index, end });
    this.statistics = new SqliteStatisticsStore({ group, reader, scans, end });
    recordRestore(group, reader, this.audit);
    group.flush();
    if (group.problem !== undefined) throw new Error(`${file} cannot be written: ${group.problem}`);
  }

  /** What the disk last refused with; undefined while commits succeed. */
  get problem(): string | undefined {
    return this.#group.problem;
  }

  /**
   * For readiness: where a commit has failed, tries one of its own, so that the answer does not
   * wait for traffic. Resolves with what is wrong, or undefined.
   */
  async check(): Promise<string | undefined> {
    if (this.problem === undefined) return undefined;
    try {
      await this.#group.write((connection) => connection.run(PROBE, new Date().toISOString()));
    } catch {
      // `problem` says it.
    }
    return this.problem;
  }

  /** What looks at many rows reads here, so that the rows of requests stay in the cache of theirs. */
  #openScans(file: string): Connection {
    if (this.#closed) throw new Error("the store is closed");
    this.#scans ??= new Connection(file, { readOnly: true });
    return this.#scans;
  }

  /** After a failure: the file must still be the one whose chain is being written. */
  #reopen(file: string): Connection {
    if (!existsSync(file)) throw new Error(`${file} is gone`);
    const connection = openWriter(file);
    if (readHead(connection).mac === this.audit.committedHead.mac) return connection;
    connection[Symbol.dispose]();
    throw new Error(`${file} was replaced while the gateway was running; restart it`);
  }

  /** Commits what is under way and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group[Symbol.asyncDispose]();
    this.#reader[Symbol.dispose]();
    this.#scans?.[Symbol.dispose]();
    this.#closed = true;
  }
}

const PROBE = "INSERT OR REPLACE INTO settings (name, value) VALUES ('store.checked_at', ?)";

/**
 * Opens the store. Throws where the database is newer than this program, not its own, damaged, or
 * cannot be written.
 */
export function openStore(options: StoreOptions): SqliteStore {
  return new SqliteStore(options);
}

function openWriter(file: string): Connection {
  let connection: Connection | undefined;
  try {
    connection = new Connection(file, { readOnly: false, syncs: "owner" });
    migrate(connection, file);
    return connection;
  } catch (error) {
    connection?.[Symbol.dispose]();
    if (error instanceof StoreError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const hint = "Make it writable and sound, or restore a backup.";
    throw new StoreError(`${file} cannot be opened: ${why}. ${hint}`, { cause: error });
  }
}
