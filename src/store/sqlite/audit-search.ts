import { setImmediate } from "node:timers/promises";
import type { AuditPage, AuditSearch, AuditSearcher } from "../../audit/audit-search.ts";
import type { ReadRecord } from "../../audit/audit-store.ts";
import type { AuditRecord } from "../../contract/audit.ts";
import { asWritten, matchesFilter } from "../../contract/audit-match.ts";
import { type AuditRow, toRecord } from "./audit-store.ts";
import type { Connection } from "./connection.ts";
import { readFiled } from "./filed-records.ts";
import type { TaskIndex } from "./task-index.ts";

export interface AuditSearchOptions {
  /** A connection of its own: what a walk reads must not push the rows of requests out of their cache. */
  readonly scans: () => Connection;
  readonly index: TaskIndex;
  /** The newest record that is on disk. */
  readonly end: () => number;
}

/** What of a query says how to walk, not what is looked for; the times bound the walk itself. */
const UNFILTERED: ReadonlySet<string> = new Set(["order", "cursor", "limit", "from", "to"]);
/** Records looked at in one turn of the event loop, about 2 ms; and by one search. */
const CHUNK = 1000;
const MAX_WALK = 200_000;
/** ms after which a search gives back what it has, waiting for others included. */
const MAX_MS = 1000;
/** Of one task; an agent's may be long. */
const MAX_OF_TASK = 20_000;

/** Types of records that are never about a task: they are few, and have an index of their own. */
const OF_SERVICE = /^(gateway|policy|key|session|person|passkey|link)\./;

const COLUMNS = `
  SELECT seq, body, mac, (SELECT mac FROM audit AS before WHERE before.seq = audit.seq - 1) AS prev
  FROM audit`;
const TIME = "SELECT body ->> '$.time' AS time FROM audit WHERE seq = ? AND json_valid(body)";
const OF_TASK = `${COLUMNS} WHERE task = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ${MAX_OF_TASK}`;

/** Walks along the log: there is no index but that of tasks, which would cost every write. */
export class SqliteAuditSearch implements AuditSearcher {
  readonly #options: AuditSearchOptions;

  constructor(options: AuditSearchOptions) {
    this.#options = options;
  }

  async search(query: AuditSearch): Promise<AuditPage> {
    const range = this.#rangeOf(query);
    if (range.first > range.last) return { records: [] };
    return query.taskId === undefined
      ? this.#walk(query, range)
      : this.#ofTask(query, query.taskId, range);
  }

  /** For whoever verifies the log. */
  async readFiled(after: number, limit: number): Promise<ReadRecord[]> {
    const { scans, index } = this.#options;
    return readFiled(scans(), index, after, limit);
  }

  #rangeOf({ order, cursor, from, to }: AuditSearch): Range {
    const end = this.#options.end();
    const first = order === "oldest" ? (cursor ?? 0) + 1 : 1;
    const last = order === "newest" ? Math.min(end, (cursor ?? end + 1) - 1) : end;
    return {
      first: from === undefined ? first : Math.max(first, this.#firstAt(from, end)),
      last: to === undefined ? last : Math.min(last, this.#firstAt(to, end) - 1),
    };
  }

  /** The first record of this time or later, as the clock went forward; `end + 1` where there is none. */
  #firstAt(time: string, end: number): number {
    let [low, high] = [1, end + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#options.scans().get<{ time: string | null }>(TIME, middle);
      if ((row?.time ?? "") < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #walk(query: AuditSearch, range: Range): Promise<AuditPage> {
    const records: AuditRecord[] = [];
    const deadline = performance.now() + MAX_MS;
    const isNewest = query.order === "newest";
    let { first, last } = range;
    const isFiltered = Object.keys(query).some((name) => !UNFILTERED.has(name));
    const size = isFiltered ? CHUNK : Math.min(CHUNK, query.limit);
    for (let walked = 0; first <= last; walked += size) {
      if (walked >= MAX_WALK || performance.now() > deadline) {
        return { records, next: isNewest ? last + 1 : first - 1 };
      }
      const { rows, end } = this.#chunk(query, first, last, size);
      for (const row of rows) {
        const record = toRecord(row);
        if (!matchesFilter(query, record, row.body)) continue;
        records.push(record);
        if (records.length < query.limit) continue;
        const isLast = isNewest ? record.seq <= first : record.seq >= last;
        return isLast ? { records } : { records, next: record.seq };
      }
      if (isNewest) last = end - 1;
      else first = end + 1;
      await setImmediate();
    }
    return { records };
  }

  /** The rows of the next part that may match, and the seq it ends with. */
  #chunk(
    query: AuditSearch,
    first: number,
    last: number,
    size: number,
  ): { rows: AuditRow[]; end: number } {
    const isNewest = query.order === "newest";
    const direction = isNewest ? "DESC" : "ASC";
    const scans = this.#options.scans();
    if (query.type !== undefined && OF_SERVICE.test(query.type)) {
      const sql = `${COLUMNS} WHERE task IS NULL AND seq BETWEEN ? AND ? ORDER BY seq ${direction} LIMIT ?`;
      const rows = scans.all<AuditRow>(sql, first, last, size);
      const end = rows.length < size ? undefined : rows.at(-1)?.seq;
      return { rows, end: end ?? (isNewest ? first : last) };
    }
    const [low, high] = isNewest
      ? [Math.max(first, last - size + 1), last]
      : [first, Math.min(last, first + size - 1)];
    const { conditions, values } = this.#conditionsOf(query);
    const sql = `${COLUMNS} WHERE seq BETWEEN ? AND ?${conditions} ORDER BY seq ${direction}`;
    const rows = scans.all<AuditRow>(sql, low, high, ...values);
    return { rows, end: isNewest ? low : high };
  }

  /** What passes over most rows without reading them into the program; it is matched exactly then. */
  #conditionsOf({ type, keyId, text }: AuditSearch): { conditions: string; values: string[] } {
    const parts: string[] = [];
    if (type !== undefined) {
      parts.push(type.endsWith(".*") ? `"type":"${type.slice(0, -1)}` : `"type":"${type}"`);
    }
    if (keyId !== undefined) parts.push(`"key_id":${JSON.stringify(keyId)}`);
    const conditions = parts.map(() => " AND instr(body, ?) > 0");
    if (text !== undefined) {
      conditions.push(" AND body LIKE ? ESCAPE '~'");
      parts.push(`%${asWritten(text).replace(/[%_~]/g, "~$&")}%`);
    }
    return { conditions: conditions.join(""), values: parts };
  }

  #ofTask(query: AuditSearch, taskId: string, { first, last }: Range): AuditPage {
    const scans = this.#options.scans();
    const found = [...this.#options.index.candidates(scans, taskId)]
      .flatMap((seq) => scans.all<AuditRow>(OF_TASK, seq, first, last))
      .map((row) => ({ record: toRecord(row), body: row.body }))
      .filter(({ record, body }) => matchesFilter(query, record, body))
      .map(({ record }) => record)
      .sort((a, b) => (query.order === "newest" ? b.seq - a.seq : a.seq - b.seq));
    const records = found.slice(0, query.limit);
    const end = records.at(-1);
    return found.length > records.length && end !== undefined
      ? { records, next: end.seq }
      : { records };
  }
}

interface Range {
  readonly first: number;
  readonly last: number;
}
