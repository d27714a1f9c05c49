import type { Grant } from "../../tasks/grants/grant.ts";
import type { GrantStore } from "../../tasks/grants/grant-store.ts";
import type { Records } from "../../tasks/task-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { RecordWriter } from "./record-writer.ts";

const INSERT = "INSERT INTO grants (id, body) VALUES (?, ?)";
const LIST = "SELECT body, used, last_used_at FROM grants ORDER BY seq DESC";
const HAS = "SELECT 1 AS found FROM grants WHERE id = ?";
const COUNT = "UPDATE grants SET used = used + 1, last_used_at = ? WHERE id = ?";
const REMOVE = "DELETE FROM grants WHERE id = ?";

interface Row {
  readonly body: string;
  readonly used: number;
  readonly last_used_at: string | null;
}

export class SqliteGrantStore implements GrantStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #records: RecordWriter;

  constructor(group: GroupCommit, reader: Connection, records: RecordWriter) {
    this.#group = group;
    this.#reader = reader;
    this.#records = records;
  }

  async list(): Promise<Grant[]> {
    return this.#reader.all<Row>(LIST).map(({ body, used, last_used_at }) => ({
      ...(JSON.parse(body) as Grant),
      used,
      ...(last_used_at !== null && { last_used_at }),
    }));
  }

  insert(grant: Grant, records: Records): Promise<void> {
    return this.#group.write((connection) => {
      const sealed = this.#records.seal(records);
      connection.run(INSERT, grant.id, JSON.stringify(grant));
      this.#records.write(connection, records, sealed);
    });
  }

  remove(id: string, records: Records): Promise<boolean> {
    return this.#group.write((connection) => {
      if (!hasGrant(connection, id)) return false;
      const sealed = this.#records.seal(records);
      connection.run(REMOVE, id);
      this.#records.write(connection, records, sealed);
      return true;
    });
  }
}

/** Part of a write that a grant approves. */
export function hasGrant(connection: Connection, id: string): boolean {
  return connection.get(HAS, id) !== undefined;
}

export function countUse(connection: Connection, id: string): void {
  connection.run(COUNT, new Date().toISOString(), id);
}
