import type { TaskStatus } from "../../contract/task.ts";
import type { TaskState } from "../../tasks/task.ts";
import type { StoredTask } from "../../tasks/task-store.ts";

/**
 * How a status is stored. Part of the schema: never renumbered. Below PENDING_END a task has not
 * started and expires with its plan; below OPEN_END it is not finished.
 */
const STATUS_CODES: Readonly<Record<TaskStatus, number>> = {
  planned: 0,
  awaiting_confirmation: 1,
  ready: 2,
  queued: 3,
  running: 4,
  completed: 5,
  failed: 6,
  cancelled: 7,
  interrupted: 8,
  rejected: 9,
  expired: 10,
};
export const PENDING_END = 4;
export const OPEN_END = 5;

export const STATUSES = Object.keys(STATUS_CODES) as readonly TaskStatus[];
export const ALL_CODES: readonly number[] = Object.values(STATUS_CODES);

export function codeOf(status: TaskStatus): number {
  return STATUS_CODES[status];
}

export interface TaskRow {
  readonly seq: number;
  readonly id: string;
  readonly revision: number;
  readonly requester: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly status: number;
  readonly state: string;
  readonly digest: string;
  readonly plan: string;
  readonly notes: string;
}

/** Selects what `toTask` needs; a WHERE clause follows. */
export const SELECT_TASK = `
  SELECT tasks.seq, id, revision, requester, created_at, expires_at, status, state, digest, plan, notes
  FROM tasks CROSS JOIN plans ON plans.seq = tasks.seq`;

export function toTask(row: TaskRow): StoredTask {
  return {
    seq: row.seq,
    revision: row.revision,
    id: row.id,
    requester: row.requester,
    created_at: row.created_at,
    expires_at: row.expires_at,
    canonicalPlan: row.plan,
    digest: row.digest,
    notes: row.notes,
    state: readState(row),
  };
}

/** Undefined where it is no state, or another than that of the row. */
function readState({ state: text, status }: TaskRow): TaskState | undefined {
  try {
    const state = JSON.parse(text) as TaskState | null;
    return Array.isArray(state?.approvals) && state.status === STATUSES[status] ? state : undefined;
  } catch {
    return undefined;
  }
}
