import type { AuditRecord } from "../../contract/audit.ts";
import type { TaskStatus } from "../../contract/task.ts";
import type { TaskState } from "../../tasks/task.ts";
import type {
  IdempotencyEntry,
  NewTask,
  Records,
  StoredTask,
  TaskQuery,
  TaskStore,
} from "../../tasks/task-store.ts";
import { type AuditRow, toRecord } from "./audit-store.ts";
import type { Connection } from "./connection.ts";
import { countUse, hasGrant } from "./grant-store.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { PendingBytes } from "./pending-bytes.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { StatusCounts } from "./status-counts.ts";
import type { TaskIndex } from "./task-index.ts";
import {
  ALL_CODES,
  codeOf,
  OPEN_END,
  PENDING_END,
  SELECT_TASK,
  type TaskRow,
  toTask,
} from "./task-row.ts";

type Kept = { taskId: string; bodyDigest: string };

const INSERT_TASK = `
  INSERT INTO tasks (id, status, revision, requester, created_at, expires_at, idempotency_key, state)
  VALUES (?, ?, 1, ?, ?, ?, ?, ?)`;
const INSERT_PLAN = "INSERT INTO plans (seq, digest, plan, notes) VALUES (?, ?, ?, ?)";
const INSERT_KEPT =
  "INSERT INTO idempotency (key_id, key, body_digest, task_id) VALUES (?, ?, ?, ?)";
const FIND_KEPT = `
  SELECT task_id AS taskId, body_digest AS bodyDigest FROM idempotency
  WHERE key_id = ? AND key = ?`;
const STATUS = "SELECT status FROM tasks WHERE seq = ? AND revision = ?";
const UPDATE = `
  UPDATE tasks SET status = ?, revision = revision + 1, finished_at = ?, state = ?
  WHERE seq = ? AND revision = ?`;

const PLAN_SIZE = `
  SELECT requester, octet_length(plan) + octet_length(notes) AS size
  FROM tasks CROSS JOIN plans ON plans.seq = tasks.seq WHERE tasks.seq = ?`;
const DROP_BODY = "UPDATE plans SET plan = '', notes = '' WHERE seq = ?";
/** Bytes of a plan and what is shown of it that are kept though it never began. */
const MAX_ENDED_BODY = 16 * 1024;

const GET = `${SELECT_TASK} WHERE tasks.seq = ?`;
/** Of its moves: what its steps did may be thousands. What is no JSON is left to its seal. */
const GET_RECORDS = `
  SELECT seq, body, mac, (SELECT mac FROM audit AS before WHERE before.seq = audit.seq - 1) AS prev
  FROM audit
  WHERE task = ? AND CASE WHEN json_valid(body) THEN body ->> '$.type' LIKE 'task.%' ELSE 1 END
  ORDER BY seq`;
const GET_ID = "SELECT id FROM tasks WHERE seq = ?";
const LIST_ALL = "SELECT id FROM tasks WHERE seq < ? ORDER BY seq DESC LIMIT ?";
const OF_REQUESTER = "SELECT seq FROM tasks WHERE requester = ? AND status = ?";
const NEWEST_SEQS = `${OF_REQUESTER} AND seq < ? ORDER BY seq DESC LIMIT ?`;
const OLDEST_SEQS = `${OF_REQUESTER} ORDER BY seq LIMIT ?`;
const EXPIRED = `
  SELECT id FROM tasks WHERE status < ${PENDING_END} AND expires_at <= ?
  ORDER BY expires_at LIMIT ?`;
const APPROVED_BY = `
  SELECT id FROM tasks WHERE status < ${PENDING_END} AND EXISTS (
    SELECT 1 FROM json_each(tasks.state, '$.approvals') AS approval
    WHERE approval.value ->> 'key_id' = ?
  )`;
const GRANTED_BY = `
  SELECT id FROM tasks WHERE status < ${PENDING_END} AND EXISTS (
    SELECT 1 FROM json_each(tasks.state, '$.approvals') AS approval
    WHERE approval.value ->> 'grant_id' = ?
  )`;
const HAS_OPEN = `SELECT 1 AS found FROM tasks WHERE requester = ? AND status < ${OPEN_END} LIMIT 1`;
/** Jumps from one requester to the next along the index. */
const REQUESTERS = `
  WITH RECURSIVE requesters (id) AS (
    SELECT min(requester) FROM tasks
    UNION ALL
    SELECT (SELECT min(requester) FROM tasks WHERE requester > requesters.id)
    FROM requesters WHERE requesters.id IS NOT NULL
  )
  SELECT id FROM requesters WHERE id IS NOT NULL`;

const OLDEST_ROWS = `
  SELECT seq, id, status, requester, created_at, coalesce(finished_at, created_at) AS finished_at,
    idempotency_key
  FROM tasks ORDER BY seq`;
const REMOVE_ARTIFACTS = "DELETE FROM artifacts WHERE task = ? RETURNING id";
const REMOVE_KEPT = "DELETE FROM idempotency WHERE key_id = ? AND key = ?";
const REMOVE_EVENTS = "DELETE FROM events WHERE task = ?";
const REMOVE_ROWS = ["DELETE FROM plans WHERE seq = ?", "DELETE FROM tasks WHERE seq = ?"];

interface OldRow {
  readonly seq: number;
  readonly id: string;
  readonly status: number;
  readonly requester: string;
  readonly created_at: string;
  readonly finished_at: string;
  readonly idempotency_key: string | null;
}

interface TaskStoreParts {
  readonly group: GroupCommit;
  readonly reader: Connection;
  readonly records: RecordWriter;
  readonly index: TaskIndex;
  readonly counts: StatusCounts;
  readonly pending: PendingBytes;
}

export class SqliteTaskStore implements TaskStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #records: RecordWriter;
  readonly #index: TaskIndex;
  readonly #counts: StatusCounts;
  readonly #pending: PendingBytes;

  constructor({ group, reader, records, index, counts, pending }: TaskStoreParts) {
    this.#group = group;
    this.#reader = reader;
    this.#records = records;
    this.#index = index;
    this.#counts = counts;
    this.#pending = pending;
  }

  insert(
    task: NewTask,
    records: Records,
    idempotency?: IdempotencyEntry,
  ): Promise<Kept | undefined> {
    return this.#group.write((connection) => {
      if (idempotency !== undefined) {
        const kept = findKept(connection, idempotency.keyId, idempotency.key);
        if (kept !== undefined) return kept;
      }
      const sealed = this.#records.seal(records);
      const { lastId: seq } = connection.run(
        INSERT_TASK,
        task.id,
        codeOf(task.state.status),
        task.requester,
        task.created_at,
        task.expires_at,
        idempotency?.key ?? null,
        JSON.stringify(task.state),
      );
      connection.run(INSERT_PLAN, seq, task.digest, task.canonicalPlan, task.notes);
      if (idempotency !== undefined) {
        const { keyId, key, bodyDigest } = idempotency;
        connection.run(INSERT_KEPT, keyId, key, bodyDigest, task.id);
      }
      this.#records.write(connection, records, sealed, { id: task.id, seq });
      this.#index.add(connection, task.id, seq);
      this.#counts.move(undefined, codeOf(task.state.status));
      if (codeOf(task.state.status) < PENDING_END) {
        const size = Buffer.byteLength(task.canonicalPlan) + Buffer.byteLength(task.notes);
        this.#pending.move(task.requester, size);
      }
      return undefined;
    });
  }

  async findIdempotent(keyId: string, key: string): Promise<Kept | undefined> {
    return findKept(this.#reader, keyId, key);
  }

  update(id: string, revision: number, state: TaskState, records: Records): Promise<boolean> {
    return this.#group.write((connection) => {
      const seq = this.#index.find(connection, id);
      if (seq === undefined) return false;
      const before = connection.get<{ status: number }>(STATUS, seq, revision);
      if (before === undefined) return false;
      if (records.grantId !== undefined && !hasGrant(connection, records.grantId)) return false;
      const sealed = this.#records.seal(records);
      if (records.grantId !== undefined) countUse(connection, records.grantId);
      const status = codeOf(state.status);
      const text = JSON.stringify(state);
      connection.run(UPDATE, status, state.finished_at ?? null, text, seq, revision);
      this.#counts.move(before.status, status);
      if (before.status < PENDING_END && status >= PENDING_END) {
        this.#leavePending(connection, seq, state);
      }
      this.#records.write(connection, records, sealed, { id, seq });
      return true;
    });
  }

  async getWithRecords(
    id: string,
  ): Promise<{ task: StoredTask; records: AuditRecord[] } | undefined> {
    const seq = this.#index.find(this.#reader, id);
    const row = seq === undefined ? undefined : this.#reader.get<TaskRow>(GET, seq);
    if (seq === undefined || row === undefined) return undefined;
    const records = this.#reader.all<AuditRow>(GET_RECORDS, seq).map(toRecord);
    return { task: toTask(row), records: records.filter(({ task_id }) => task_id === id) };
  }

  async get(id: string): Promise<StoredTask | undefined> {
    const seq = this.#index.find(this.#reader, id);
    const row = seq === undefined ? undefined : this.#reader.get<TaskRow>(GET, seq);
    return row === undefined ? undefined : toTask(row);
  }

  async list({ requester, status, before, limit }: TaskQuery): Promise<string[]> {
    const end = before ?? Number.MAX_SAFE_INTEGER;
    if (requester === undefined && status === undefined) {
      return this.#reader.all<{ id: string }>(LIST_ALL, end, limit).map((row) => row.id);
    }
    const requesters = requester === undefined ? this.#requesters() : [requester];
    const codes = status === undefined ? ALL_CODES : [codeOf(status)];
    const seqs = this.#walk(requesters, codes, (of, code) =>
      this.#reader.all<{ seq: number }>(NEWEST_SEQS, of, code, end, limit),
    );
    return this.#idsOf(seqs.sort((a, b) => b - a).slice(0, limit));
  }

  async listByStatus(statuses: readonly TaskStatus[], limit: number): Promise<string[]> {
    const seqs = this.#walk(this.#requesters(), statuses.map(codeOf), (of, code) =>
      this.#reader.all<{ seq: number }>(OLDEST_SEQS, of, code, limit),
    );
    return this.#idsOf(seqs.sort((a, b) => a - b).slice(0, limit));
  }

  async listApprovedBy(keyId: string): Promise<string[]> {
    return this.#reader.all<{ id: string }>(APPROVED_BY, keyId).map((row) => row.id);
  }

  async listGrantedBy(grantId: string): Promise<string[]> {
    return this.#reader.all<{ id: string }>(GRANTED_BY, grantId).map((row) => row.id);
  }

  async listExpired(now: string, limit: number): Promise<string[]> {
    return this.#reader.all<{ id: string }>(EXPIRED, now, limit).map((row) => row.id);
  }

  async openRequesters(): Promise<string[]> {
    return this.#requesters().filter((id) => this.#reader.get(HAS_OPEN, id) !== undefined);
  }

  async countByStatus(): Promise<Record<string, number>> {
    return this.#counts.read(this.#reader);
  }

  async removeFinished(
    time: string,
    limit: number,
  ): Promise<{ tasks: number; artifactIds: string[] }> {
    const old = this.#finishedBefore(time, limit);
    if (old.length === 0) return { tasks: 0, artifactIds: [] };
    return this.#group.write((connection) => {
      const artifactIds: string[] = [];
      for (const { seq, id, status, requester, idempotency_key } of old) {
        connection.run(REMOVE_EVENTS, seq);
        this.#index.keep(connection, id, seq);
        this.#counts.move(status, undefined);
        const removed = connection.all<{ id: string }>(REMOVE_ARTIFACTS, seq);
        artifactIds.push(...removed.map((row) => row.id));
        if (idempotency_key !== null) connection.run(REMOVE_KEPT, requester, idempotency_key);
        for (const remove of REMOVE_ROWS) connection.run(remove, seq);
      }
      return { tasks: old.length, artifactIds };
    });
  }

  pendingBytes(requester: string): number {
    return this.#pending.of(requester);
  }

  /**
   * Its plan begins or has ended. Of one that ended without having begun a large body is dropped: the
   * audit log tells what it was. That of a corrupted one is evidence.
   */
  #leavePending(connection: Connection, seq: number, state: TaskState): void {
    const row = connection.get<{ requester: string; size: number }>(PLAN_SIZE, seq);
    if (row === undefined) return;
    this.#pending.move(row.requester, -row.size);
    const hasEnded = codeOf(state.status) >= OPEN_END && state.error?.code !== "plan_corrupted";
    if (hasEnded && row.size > MAX_ENDED_BODY) connection.run(DROP_BODY, seq);
  }

  /**
   * Walks from the oldest task and needs no index for it: who was planned at `time` or later
   * cannot have finished before, so the walk ends there.
   */
  #finishedBefore(time: string, limit: number): OldRow[] {
    const found: OldRow[] = [];
    for (const row of this.#reader.iterate<OldRow>(OLDEST_ROWS)) {
      if (row.created_at >= time || found.length === limit) break;
      if (row.status >= OPEN_END && row.finished_at < time) found.push(row);
    }
    return found;
  }

  #requesters(): string[] {
    return this.#reader.all<{ id: string }>(REQUESTERS).map((row) => row.id);
  }

  /** Every requester's tasks in every one of these statuses: short walks along one index. */
  #walk(
    requesters: readonly string[],
    codes: readonly number[],
    find: (requester: string, code: number) => { seq: number }[],
  ): number[] {
    return requesters.flatMap((requester) =>
      codes.flatMap((code) => find(requester, code).map((row) => row.seq)),
    );
  }

  #idsOf(seqs: readonly number[]): string[] {
    return seqs.flatMap((seq) =>
      this.#reader.all<{ id: string }>(GET_ID, seq).map((row) => row.id),
    );
  }
}

function findKept(connection: Connection, keyId: string, key: string): Kept | undefined {
  const row = connection.get<Kept>(FIND_KEPT, keyId, key);
  // A plain object: rows have no prototype.
  return row === undefined ? undefined : { ...row };
}
