import type { Records, SettingStore } from "../../tasks/task-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { RecordWriter } from "./record-writer.ts";

const GET = "SELECT value FROM settings WHERE name = ?";
const SET = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)";

export class SqliteSettingStore implements SettingStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #records: RecordWriter;

  constructor(group: GroupCommit, reader: Connection, records: RecordWriter) {
    this.#group = group;
    this.#reader = reader;
    this.#records = records;
  }

  async get(name: string): Promise<string | undefined> {
    return this.#reader.get<{ value: string }>(GET, name)?.value;
  }

  set(name: string, value: string, records: Records): Promise<void> {
    return this.#group.write((connection) => {
      const sealed = this.#records.seal(records);
      connection.run(SET, name, value);
      this.#records.write(connection, records, sealed);
    });
  }
}
