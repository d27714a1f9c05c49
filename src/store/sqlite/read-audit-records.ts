import type { ReadRecord } from "../../audit/audit-store.ts";
import { readHead } from "./audit-store.ts";
import { Connection } from "./connection.ts";
import { readFiled } from "./filed-records.ts";
import { requireTables } from "./migrations.ts";
import { StoreError } from "./store-error.ts";
import { TaskIndex } from "./task-index.ts";

/** Records read at a time. */
const PAGE = 500;

/**
 * Every record of a database file, oldest first, up to the newest when reading starts; beside a
 * running gateway or without one. Throws where the file is missing, newer, or not a gateway's.
 */
export async function* readAuditRecords(file: string): AsyncIterable<ReadRecord> {
  using connection = new Connection(file, { readOnly: true });
  const [end, index] = begin(connection, file);
  for (let after = 0; after < end; ) {
    const records = readFiled(connection, index, after, Math.min(PAGE, end - after));
    if (records.length === 0) return;
    for (const record of records) {
      if (record.seq > end) return;
      after = record.seq;
      yield record;
    }
  }
}

/** The end first: what is written from then on is in the index at least. */
function begin(connection: Connection, file: string): [end: number, index: TaskIndex] {
  requireTables(connection, file);
  try {
    return [readHead(connection).seq, new TaskIndex(connection)];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      `${file} is not whole (${why}). Restore a backup; \`bytebot-gateway doctor\` looks at the rest.`,
      { cause: error },
    );
  }
}
