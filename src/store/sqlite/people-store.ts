import type { AuditDraft } from "../../contract/audit.ts";
import type {
  PeopleChange,
  PeopleState,
  PeopleStore,
  RecordKind,
} from "../../people/people-store.ts";
import { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import { checkVersion } from "./migrations.ts";
import type { RecordWriter } from "./record-writer.ts";

const LOAD = "SELECT kind, body FROM people_records ORDER BY kind, id";
const PUT = "INSERT OR REPLACE INTO people_records (kind, id, body) VALUES (?, ?, ?)";
const DROP = "DELETE FROM people_records WHERE kind = ? AND id = ?";
const NOBODY: PeopleState = { person: [], passkey: [], link: [], session: [] };
/** A database of before there were people has no such table. */
const IS_THERE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'people_records'";

export class SqlitePeopleStore implements PeopleStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #records: RecordWriter;

  constructor(group: GroupCommit, reader: Connection, records: RecordWriter) {
    this.#group = group;
    this.#reader = reader;
    this.#records = records;
  }

  async load(): Promise<PeopleState> {
    return loadFrom(this.#reader);
  }

  apply(changes: readonly PeopleChange[], audit: readonly AuditDraft[]): Promise<void> {
    return this.#group.write((connection) => {
      const records = { events: [], audit };
      const sealed = this.#records.seal(records);
      for (const change of changes) {
        if ("put" in change) {
          connection.run(PUT, change.put, change.record.id, JSON.stringify(change.record));
        } else {
          connection.run(DROP, change.drop, change.id);
        }
      }
      this.#records.write(connection, records, sealed);
    });
  }
}

/**
 * Who is in a database file, beside a running gateway or without one. Throws where the file is
 * missing, newer, or not a database.
 */
export function readPeople(file: string): PeopleState {
  using connection = new Connection(file, { readOnly: true });
  checkVersion(connection, file);
  return connection.get(IS_THERE) === undefined ? NOBODY : loadFrom(connection);
}

function loadFrom(connection: Connection): PeopleState {
  const state: Record<RecordKind, unknown[]> = { person: [], passkey: [], link: [], session: [] };
  for (const { kind, body } of connection.all<{ kind: RecordKind; body: string }>(LOAD)) {
    state[kind].push(JSON.parse(body));
  }
  // Written by `apply` alone.
  return state as PeopleState;
}
