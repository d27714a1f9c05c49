import type { AuditDraft, AuditRecord } from "../contract/audit.ts";
import type { EventDraft } from "../contract/event.ts";
import type { TaskStatus } from "../contract/task.ts";
import type { TaskState } from "./task.ts";

/** What is committed together with a change, or not at all. */
export interface Records {
  readonly events: readonly EventDraft[];
  readonly audit: readonly AuditDraft[];
  /** The grant that the change stands on: it counts as used, and without it nothing is written. */
  readonly grantId?: string;
}

/**
 * A task as it is kept. Whoever can write the store may have changed any of it: what it is worth is
 * found out by `TaskReader`.
 */
export interface StoredTask {
  /** Order of planning; the cursor of lists. */
  readonly seq: number;
  /** Grows with every change: a change names the revision it started from. */
  readonly revision: number;
  readonly id: string;
  readonly requester: string;
  readonly created_at: string;
  readonly expires_at: string;
  /** RFC 8785 text of the plan: the digest is over these bytes. Empty: it was dropped when the task ended. */
  readonly canonicalPlan: string;
  readonly digest: string;
  /** JSON of the notes, as it was given. */
  readonly notes: string;
  /** Undefined where it cannot be read. */
  readonly state: TaskState | undefined;
}

export interface NewTask extends Omit<StoredTask, "seq" | "revision"> {
  readonly state: TaskState;
}

export interface IdempotencyEntry {
  readonly keyId: string;
  /** The client's Idempotency-Key. */
  readonly key: string;
  /** `sha256:` of the request body. */
  readonly bodyDigest: string;
}

export interface TaskQuery {
  /** Only this key's tasks; absent: everyone's. */
  readonly requester?: string;
  readonly status?: TaskStatus;
  /** Tasks with a seq below it; absent: from the newest. */
  readonly before?: number;
  readonly limit: number;
}

/**
 * Every method that writes is durable when it resolves and rejects with `audit_unavailable` (and
 * nothing written) when the disk refuses. Reads see committed state only.
 */
export interface TaskStore {
  /**
   * Inserts a task with its records. Where the key's Idempotency-Key was used before, nothing is
   * written and the entry kept then is returned.
   */
  insert(
    task: NewTask,
    records: Records,
    idempotency?: IdempotencyEntry,
  ): Promise<{ taskId: string; bodyDigest: string } | undefined>;
  /** The entry of an Idempotency-Key used before. */
  findIdempotent(
    keyId: string,
    key: string,
  ): Promise<{ taskId: string; bodyDigest: string } | undefined>;
  /**
   * One conditional UPDATE: writes `state` and the records if the task is still at `revision`,
   * and says whether it was, and its grant was there.
   */
  update(id: string, revision: number, state: TaskState, records: Records): Promise<boolean>;
  get(id: string): Promise<StoredTask | undefined>;
  /** What this key's plans take that have neither begun nor ended, in bytes; counted at once when one is inserted. */
  pendingBytes(requester: string): number;
  /** A task and the audit records of its moves (`task.…`), oldest first, both of one moment. */
  getWithRecords(
    id: string,
  ): Promise<{ readonly task: StoredTask; readonly records: readonly AuditRecord[] } | undefined>;
  /** Ids, newest first. A task may be as large as a body: whoever wants many loads one by one. */
  list(query: TaskQuery): Promise<string[]>;
  /** Ids of tasks in one of these statuses, oldest first. */
  listByStatus(statuses: readonly TaskStatus[], limit: number): Promise<string[]>;
  /** Ids of tasks that have not started and that this key has approved. */
  listApprovedBy(keyId: string): Promise<string[]>;
  /** Ids of tasks that have not started and that this grant has approved. */
  listGrantedBy(grantId: string): Promise<string[]>;
  /** Ids of tasks that have not started and whose plan has expired at `now` (ISO 8601). */
  listExpired(now: string, limit: number): Promise<string[]>;
  /** The keys that have tasks which are not finished. */
  openRequesters(): Promise<string[]>;
  countByStatus(): Promise<Record<string, number>>;
  /** Removes tasks finished before `time` (ISO 8601), with events and artifact records; returns the artifact ids. */
  removeFinished(time: string, limit: number): Promise<{ tasks: number; artifactIds: string[] }>;
}

/** Small durable facts of the gateway itself, such as being stopped. */
export interface SettingStore {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string, records: Records): Promise<void>;
}
