import type { KeyStore, ManagedKey } from "../../auth/key-store.ts";
import type { AuditDraft } from "../../contract/audit.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { RecordWriter } from "./record-writer.ts";

const LIST = "SELECT body FROM keys ORDER BY id";
const PUT = "INSERT OR REPLACE INTO keys (id, body) VALUES (?, ?)";
const USES = "SELECT name, at FROM key_use";
const NOTE = "INSERT OR REPLACE INTO key_use (name, at) VALUES (?, ?)";

export class SqliteKeyStore implements KeyStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #records: RecordWriter;

  constructor(group: GroupCommit, reader: Connection, records: RecordWriter) {
    this.#group = group;
    this.#reader = reader;
    this.#records = records;
  }

  async list(): Promise<ManagedKey[]> {
    return this.#reader
      .all<{ body: string }>(LIST)
      .map(({ body }) => JSON.parse(body) as ManagedKey);
  }

  put(key: ManagedKey, audit: readonly AuditDraft[]): Promise<void> {
    return this.#group.write((connection) => {
      const records = { events: [], audit };
      const sealed = this.#records.seal(records);
      connection.run(PUT, key.id, JSON.stringify(key));
      this.#records.write(connection, records, sealed);
    });
  }

  async uses(): Promise<ReadonlyMap<string, string>> {
    const rows = this.#reader.all<{ name: string; at: string }>(USES);
    return new Map(rows.map(({ name, at }) => [name, at]));
  }

  noteUses(uses: ReadonlyMap<string, string>): Promise<void> {
    return this.#group.write((connection) => {
      for (const [name, at] of uses) connection.run(NOTE, name, at);
    });
  }
}
