import type { CountedRecord, DayCounts } from "../../admin/day-counts.ts";
import type { CountedPage, StatisticsStore } from "../../admin/statistics-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Records looked at in one turn of the event loop, about 2 ms. */
const PAGE = 1000;
const MARK = "statistics.counted";

/** What is not about a whole task is passed over before it is read into the program. */
const READ = `
  SELECT audit.seq, body ->> '$.time' AS time, body ->> '$.type' AS type,
    body ->> '$.key_id' AS key_id, body ->> '$.details.via' AS via, created_at AS planned_at
  FROM audit LEFT JOIN tasks ON tasks.seq = audit.task
  WHERE audit.seq BETWEEN ? AND ? AND instr(body, '"type":"task.') > 0 AND json_valid(body)
  ORDER BY audit.seq`;
const GET_MARK = "SELECT value FROM settings WHERE name = ?";
const SET_MARK = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)";
const LOAD = "SELECT day, body FROM statistics";
const SAVE = "INSERT OR REPLACE INTO statistics (day, body) VALUES (?, ?)";
const FORGET = "DELETE FROM statistics WHERE day < ?";

export interface StatisticsStoreOptions {
  readonly group: GroupCommit;
  readonly reader: Connection;
  /** For what looks at many rows. */
  readonly scans: () => Connection;
  /** The newest record that is on disk. */
  readonly end: () => number;
}

export class SqliteStatisticsStore implements StatisticsStore {
  readonly #options: StatisticsStoreOptions;

  constructor(options: StatisticsStoreOptions) {
    this.#options = options;
  }

  async read(after: number): Promise<CountedPage> {
    const newest = this.#options.end();
    const end = Math.min(newest, after + PAGE);
    const rows = end > after ? this.#options.scans().all<CountedRecord>(READ, after + 1, end) : [];
    return { records: rows, end: Math.max(after, end), isLast: end >= newest };
  }

  async load(): Promise<{ counted: number; days: Map<string, DayCounts> }> {
    const { reader } = this.#options;
    const counted = Number(reader.get<{ value: string }>(GET_MARK, MARK)?.value ?? 0);
    const rows = reader.all<{ day: string; body: string }>(LOAD);
    return {
      counted,
      days: new Map(rows.map(({ day, body }) => [day, JSON.parse(body) as DayCounts])),
    };
  }

  save(counted: number, days: ReadonlyMap<string, DayCounts>, oldest: string): Promise<void> {
    const rows = [...days].map(([day, counts]) => [day, JSON.stringify(counts)] as const);
    return this.#options.group.write((connection) => {
      for (const [day, body] of rows) connection.run(SAVE, day, body);
      connection.run(FORGET, oldest);
      connection.run(SET_MARK, MARK, String(counted));
    });
  }
}
