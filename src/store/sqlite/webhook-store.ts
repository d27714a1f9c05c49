import type { AuditDraft } from "../../contract/audit.ts";
import type { Notice } from "../../contract/webhook.ts";
import type {
  Delivery,
  FailedRow,
  NewDelivery,
  Place,
  WebhookStore,
} from "../../notify/webhook-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { RecordWriter } from "./record-writer.ts";

interface Row {
  readonly id: string;
  readonly endpoint: string;
  readonly notice: string;
  readonly attempts: number;
  readonly since: number;
  readonly next_at: number;
  readonly failed_at: string | null;
  readonly problem: string | null;
}

const PLACES = "SELECT id, after, gone_url FROM webhook_endpoints";
const SET_PLACE = "INSERT OR REPLACE INTO webhook_endpoints (id, after, gone_url) VALUES (?, ?, ?)";
const MOVE = "UPDATE webhook_endpoints SET after = ? WHERE id = ?";
const REMOVE_PLACE = "DELETE FROM webhook_endpoints WHERE id = ?";
const INSERT = "INSERT INTO webhook_deliveries (id, endpoint, notice, since) VALUES (?, ?, ?, ?)";
const PENDING = "FROM webhook_deliveries WHERE endpoint = ? AND failed_at IS NULL";
const NEXT = `SELECT * ${PENDING} ORDER BY seq LIMIT 1`;
const COUNT = `SELECT count(*) AS n ${PENDING}`;
const REMOVE = "DELETE FROM webhook_deliveries WHERE id = ?";
const POSTPONE = "UPDATE webhook_deliveries SET attempts = ?, next_at = ? WHERE id = ?";
const FAIL =
  "UPDATE webhook_deliveries SET attempts = ?, failed_at = ?, problem = ? WHERE id = ? AND failed_at IS NULL";
const FAIL_ALL =
  "UPDATE webhook_deliveries SET failed_at = ?, problem = ? WHERE endpoint = ? AND failed_at IS NULL";
const FAILED = `
  SELECT * FROM webhook_deliveries WHERE failed_at IS NOT NULL
  ORDER BY failed_at DESC, seq DESC LIMIT ?`;
const RETRY = `
  UPDATE webhook_deliveries
  SET failed_at = NULL, problem = NULL, attempts = 0, next_at = 0, since = ?
  WHERE endpoint = ? AND failed_at IS NOT NULL`;
const ENDPOINT_OF = "SELECT endpoint FROM webhook_deliveries WHERE id = ?";
const FORGET = `
  DELETE FROM webhook_deliveries WHERE failed_at IS NOT NULL AND (failed_at < ? OR seq IN (
    SELECT seq FROM webhook_deliveries WHERE failed_at IS NOT NULL
    ORDER BY failed_at DESC, seq DESC LIMIT -1 OFFSET ?))`;

export class SqliteWebhookStore implements WebhookStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #records: RecordWriter;

  constructor(group: GroupCommit, reader: Connection, records: RecordWriter) {
    this.#group = group;
    this.#reader = reader;
    this.#records = records;
  }

  async places(): Promise<ReadonlyMap<string, Place>> {
    const rows = this.#reader.all<{ id: string; after: number; gone_url: string | null }>(PLACES);
    return new Map(rows.map(({ id, after, gone_url }) => [id, { after, goneUrl: gone_url }]));
  }

  setPlace(endpoint: string, { after, goneUrl }: Place): Promise<void> {
    return this.#group.write((connection) => {
      connection.run(SET_PLACE, endpoint, after, goneUrl);
    });
  }

  removeEndpoint(endpoint: string, failedAt: string, problem: string): Promise<void> {
    return this.#group.write((connection) => {
      connection.run(REMOVE_PLACE, endpoint);
      connection.run(FAIL_ALL, failedAt, problem, endpoint);
    });
  }

  enqueue(endpoint: string, after: number, deliveries: readonly NewDelivery[]): Promise<void> {
    return this.#group.write((connection) => {
      connection.run(MOVE, after, endpoint);
      for (const { id, notice, since } of deliveries) {
        connection.run(INSERT, id, endpoint, JSON.stringify(notice), since);
      }
    });
  }

  async next(endpoint: string): Promise<Delivery | undefined> {
    const row = this.#reader.get<Row>(NEXT, endpoint);
    if (row === undefined) return undefined;
    const { id, attempts, since, next_at: nextAt } = row;
    return { id, endpoint, notice: noticeOf(row), attempts, since, nextAt };
  }

  async waiting(endpoint: string): Promise<number> {
    return this.#reader.get<{ n: number }>(COUNT, endpoint)?.n ?? 0;
  }

  remove(id: string): Promise<void> {
    return this.#run(REMOVE, id);
  }

  postpone(id: string, attempts: number, nextAt: number): Promise<void> {
    return this.#run(POSTPONE, attempts, nextAt, id);
  }

  fail(id: string, attempts: number, failedAt: string, problem: string): Promise<void> {
    return this.#run(FAIL, attempts, failedAt, problem, id);
  }

  failAll(endpoint: string, failedAt: string, problem: string): Promise<void> {
    return this.#run(FAIL_ALL, failedAt, problem, endpoint);
  }

  async failed(limit: number): Promise<FailedRow[]> {
    return this.#reader.all<Row>(FAILED, limit).map((row) => ({
      id: row.id,
      endpoint: row.endpoint,
      notice: noticeOf(row),
      attempts: row.attempts,
      failedAt: row.failed_at ?? "",
      problem: row.problem ?? "",
    }));
  }

  retry(
    endpoints: readonly string[],
    now: number,
    record: (retried: number) => AuditDraft,
    id?: string,
  ): Promise<string[]> {
    return this.#group.write((connection) => {
      const retried =
        id === undefined
          ? endpoints.flatMap((endpoint) =>
              Array<string>(connection.run(RETRY, now, endpoint).changes).fill(endpoint),
            )
          : retryOne(connection, endpoints, now, id);
      if (retried.length > 0) {
        const records = { events: [], audit: [record(retried.length)] };
        this.#records.write(connection, records, this.#records.seal(records));
      }
      return retried;
    });
  }

  prune(time: string, keep: number): Promise<void> {
    return this.#run(FORGET, time, keep);
  }

  #run(sql: string, ...values: (string | number)[]): Promise<void> {
    return this.#group.write((connection) => {
      connection.run(sql, ...values);
    });
  }
}

function retryOne(
  connection: Connection,
  endpoints: readonly string[],
  now: number,
  id: string,
): string[] {
  const endpoint = connection.get<{ endpoint: string }>(ENDPOINT_OF, id)?.endpoint;
  if (endpoint === undefined || !endpoints.includes(endpoint)) return [];
  return connection.run(`${RETRY} AND id = ?`, now, endpoint, id).changes > 0 ? [endpoint] : [];
}

function noticeOf({ notice }: Row): Notice {
  return JSON.parse(notice) as Notice;
}
