import type { EventName } from "../contract/event.ts";
import { TASK_STATUSES, type TaskStatus } from "../contract/task.ts";

interface Place {
  /** Where a task may go from here. */
  readonly next: readonly TaskStatus[];
  /** The event that tells of the arrival; none for a place that is passed or told otherwise. */
  readonly event?: EventName;
}

/** The life of a task: every move it can make, and nothing else can. */
const TABLE: Readonly<Record<TaskStatus, Place>> = {
  planned: {
    next: ["awaiting_confirmation", "ready", "rejected", "failed", "expired", "cancelled"],
    event: "task_planned",
  },
  awaiting_confirmation: { next: ["ready", "rejected", "failed", "expired", "cancelled"] },
  ready: { next: ["queued", "failed", "expired", "cancelled"] },
  queued: { next: ["running", "failed", "expired", "cancelled"], event: "task_queued" },
  running: {
    next: ["completed", "failed", "cancelled", "interrupted"],
    event: "task_started",
  },
  completed: { next: [], event: "task_completed" },
  failed: { next: [], event: "task_failed" },
  cancelled: { next: [], event: "task_cancelled" },
  interrupted: { next: [], event: "task_interrupted" },
  rejected: { next: [], event: "task_rejected" },
  expired: { next: [], event: "task_expired" },
};

/** Throws where the table does not allow the walk: a mistake in the program, never in a request. */
export function checkTransitions(from: TaskStatus, transitions: readonly TaskStatus[]): void {
  let at = from;
  for (const to of transitions) {
    if (!TABLE[at].next.includes(to)) throw new Error(`a task cannot go from ${at} to ${to}`);
    at = to;
  }
}

export function eventOf(status: TaskStatus): EventName | undefined {
  return TABLE[status].event;
}

/** Nothing follows. */
export function isFinished(status: TaskStatus): boolean {
  return TABLE[status].next.length === 0;
}

/** Not started yet: it expires with its plan. */
export function isPending(status: TaskStatus): boolean {
  return TABLE[status].next.includes("expired");
}

export const OPEN_STATUSES: readonly TaskStatus[] = TASK_STATUSES.filter(
  (status) => !isFinished(status),
);
