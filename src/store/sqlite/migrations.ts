import type { Connection } from "./connection.ts";
import { StoreError } from "./store-error.ts";

/** Marks the file as ours (PRAGMA application_id): "BBGW". */
const APPLICATION_ID = 0x42424757;

/**
 * Forward only, one entry a version, never changed once released. What is appended grows at the
 * end of its tables and indexes, so that a write costs the same however many rows there are.
 */
const MIGRATIONS: readonly string[] = [
  `
  -- The part of a task that moves; small, so that a change rewrites little.
  CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    status INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    requester TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    finished_at TEXT,
    idempotency_key TEXT,
    state TEXT NOT NULL
  );
  CREATE INDEX tasks_by_requester ON tasks (requester, status);
  CREATE INDEX tasks_pending ON tasks (expires_at) WHERE status < 4;

  -- The part that never changes.
  CREATE TABLE plans (
    seq INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    plan TEXT NOT NULL,
    notes TEXT NOT NULL
  );

  -- Finds a task by its id, see task-index.ts. Stays when a task is removed, as audit records do.
  CREATE TABLE task_ids (
    block INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (block, hash, seq)
  ) WITHOUT ROWID;

  CREATE TABLE idempotency (
    key_id TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (key_id, key)
  ) WITHOUT ROWID;

  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER,
    owner TEXT,
    body TEXT NOT NULL
  );
  CREATE INDEX events_by_task ON events (task) WHERE task IS NOT NULL;
  CREATE INDEX events_by_owner ON events (owner);

  -- Row 0 holds the chain's name. A record's prev is the mac of the row before it.
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    task INTEGER,
    body TEXT NOT NULL,
    mac BLOB NOT NULL
  );
  CREATE INDEX audit_by_task ON audit (task) WHERE task IS NOT NULL;

  -- In order of time: inserts go to the end, pruning takes from the front.
  CREATE TABLE replays (
    timestamp INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    mac BLOB NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (timestamp, key_id, mac)
  ) WITHOUT ROWID;

  CREATE TABLE artifacts (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task INTEGER NOT NULL,
    body TEXT NOT NULL
  );
  CREATE INDEX artifacts_by_task ON artifacts (task);

  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  `,
  `
  -- What the artifacts of each key take, so that none can fill the disk.
  ALTER TABLE artifacts ADD COLUMN requester TEXT;
  ALTER TABLE artifacts ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
  UPDATE artifacts SET requester = body ->> 'owner', size = body ->> 'size';
  CREATE INDEX artifacts_by_requester ON artifacts (requester, place);
  CREATE TABLE artifact_usage (requester TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO artifact_usage SELECT requester, sum(size) FROM artifacts GROUP BY requester;
  CREATE TRIGGER artifact_added AFTER INSERT ON artifacts BEGIN
    INSERT INTO artifact_usage VALUES (NEW.requester, NEW.size)
    ON CONFLICT DO UPDATE SET bytes = bytes + NEW.size;
  END;
  CREATE TRIGGER artifact_removed AFTER DELETE ON artifacts BEGIN
    UPDATE artifact_usage SET bytes = bytes - OLD.size WHERE requester = OLD.requester;
  END;
  `,
  `
  -- How far each endpoint has come in the audit log, and the URL of it that is gone.
  CREATE TABLE webhook_endpoints (
    id TEXT PRIMARY KEY,
    after INTEGER NOT NULL,
    gone_url TEXT
  ) WITHOUT ROWID;
  -- What is on its way, and what has failed; what has arrived is removed.
  CREATE TABLE webhook_deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    notice TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    since INTEGER NOT NULL,
    next_at INTEGER NOT NULL DEFAULT 0,
    failed_at TEXT,
    problem TEXT
  );
  CREATE INDEX webhook_pending ON webhook_deliveries (endpoint, seq) WHERE failed_at IS NULL;
  CREATE INDEX webhook_failed ON webhook_deliveries (failed_at, seq) WHERE failed_at IS NOT NULL;
  `,
  `
  -- Keys that operators make in the console, ended ones too; tokens as their SHA-256 only.
  CREATE TABLE keys (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE key_use (name TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
  -- Counts of each day, and how far the audit log has been counted (settings).
  CREATE TABLE statistics (day TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  -- What is not about a task is rare: found without a walk through all the rest.
  CREATE INDEX audit_of_service ON audit (seq) WHERE task IS NULL;
  `,
  `
  -- People, their passkeys, links and sessions, each whole: they are held in memory, never searched here.
  CREATE TABLE people_records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
  ) WITHOUT ROWID;
  `,
  `
  -- What approves tasks beforehand. One that ends is removed: the audit log has it.
  CREATE TABLE grants (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    last_used_at TEXT
  );
  `,
  `
  -- Minutes of which signatures were forgotten: none of them counts again, whatever the clock says.
  CREATE TABLE replay_minutes (minute INTEGER PRIMARY KEY);
  `,
];

/** The schema this program writes. */
const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a database to this program's version. Throws where it is newer, or not ours. */
export function migrate(connection: Connection, file: string): void {
  const version = checkVersion(connection, file);
  for (let next = version; next < SCHEMA_VERSION; next++) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      connection.exec(MIGRATIONS[next] ?? "");
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.exec(`PRAGMA user_version = ${next + 1}`);
      connection.exec("COMMIT");
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
  }
}

/** The schema version of a database; 0 for an empty one. Throws where it is newer, or not ours. */
export function checkVersion(connection: Connection, file: string): number {
  const version = pragma(connection, "user_version");
  const application = pragma(connection, "application_id");
  const tables = connection.get<{ n: number }>("SELECT count(*) AS n FROM sqlite_schema")?.n ?? 0;
  if (tables > 0 && application !== APPLICATION_ID) {
    throw new StoreError(
      `${file} is a database of another program. Give DATA_DIR a folder of its own.`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${file} has schema version ${version}; this program knows versions up to ${SCHEMA_VERSION}. ` +
        "Start the newer gateway that wrote it, or restore a backup made before the upgrade.",
    );
  }
  return version;
}

/** Throws where a database is newer, not ours, or was never written by a gateway. */
export function requireTables(connection: Connection, file: string): void {
  if (checkVersion(connection, file) > 0) return;
  throw new StoreError(
    `${file} is empty: no gateway has written it. Name the DATA_DIR of one that has run.`,
  );
}

function pragma(connection: Connection, name: "user_version" | "application_id"): number {
  return connection.get<Record<string, number>>(`PRAGMA ${name}`)?.[name] ?? 0;
}
