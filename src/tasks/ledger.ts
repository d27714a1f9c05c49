import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import type { EventData, EventDraft } from "../contract/event.ts";
import type { TaskStatus } from "../contract/task.ts";
import type { Task, TaskState } from "./task.ts";
import type { TaskStore } from "./task-store.ts";
import { checkWalk, eventOf, isFinished } from "./transitions.ts";

/** A move along the table, or a change of state in place where `walk` is empty. */
export interface Change {
  /** The statuses passed and reached, in order; committed as one. */
  readonly walk: readonly TaskStatus[];
  readonly state?: Partial<Omit<TaskState, "status">>;
  /** What the event of the status reached says. */
  readonly data?: EventData;
  /** Events besides that of the status reached. */
  readonly events?: readonly Pick<EventDraft, "event" | "data">[];
  /** Who moves it: a key, or null for the gateway itself. */
  readonly keyId: string | null;
  /** `keyId` where it is another's than that of the change. */
  readonly audit: readonly {
    readonly type: string;
    readonly keyId?: string;
    readonly details?: AuditDraft["details"];
  }[];
  /** The grant that approves it. */
  readonly grantId?: string;
}

/**
 * Moves tasks: each change is one conditional update with its events and audit records, all or
 * nothing. Those who wait for a task's end are told here.
 */
export class Ledger {
  readonly #store: TaskStore;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(store: TaskStore) {
    this.#store = store;
  }

  /** Throws `task_not_found`. */
  async get(id: string): Promise<Task> {
    const task = await this.#store.get(id);
    if (task === undefined) throw taskNotFound(id);
    return task;
  }

  /**
   * Applies what `decide` makes of the present task; looks and decides again where another change
   * came between. `undefined` changes nothing.
   */
  async change(id: string, decide: (task: Task) => Change | undefined): Promise<Task> {
    for (;;) {
      const task = await this.get(id);
      const change = decide(task);
      if (change === undefined) return task;
      const moved = await this.apply(task, change);
      if (moved !== undefined) return moved;
    }
  }

  /** Applies a change to exactly this revision; undefined where it is no longer the present one. */
  async apply(task: Task, change: Change): Promise<Task | undefined> {
    checkWalk(task.state.status, change.walk);
    const now = new Date().toISOString();
    const status = change.walk.at(-1) ?? task.state.status;
    const state: TaskState = {
      ...task.state,
      ...change.state,
      status,
      ...(change.walk.includes("running") && { started_at: now }),
      ...(isFinished(status) && { finished_at: now }),
    };
    const event = change.walk.length > 0 ? eventOf(status) : undefined;
    const drafts = [...(change.events ?? [])];
    if (event !== undefined) drafts.push({ event, data: change.data ?? {} });
    const done = await this.#store.update(task.id, task.revision, state, {
      events: drafts.map((draft) => ({
        ...draft,
        task_id: task.id,
        owner: task.requester,
        timestamp: now,
      })),
      audit: change.audit.map(({ type, keyId, details }) => ({
        type,
        key_id: keyId ?? change.keyId,
        time: now,
        task_id: task.id,
        ...(details !== undefined && { details }),
      })),
      ...(change.grantId !== undefined && { grantId: change.grantId }),
    });
    if (!done) return undefined;
    if (isFinished(status)) this.#tell(task.id);
    return { ...task, revision: task.revision + 1, state };
  }

  /** Resolves true when the task is finished, false when the time is up or the signal aborts first. */
  async finished(id: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(resolve));
    const giveUp = () => resolve();
    signal.addEventListener("abort", giveUp, { once: true });
    // Ends with the wait: AbortSignal.timeout would stay for all its time, thousands at once.
    const timer = setTimeout(giveUp, waitMs);
    try {
      // Asked after the waiter is in place, so that an end in between is not missed.
      if (isFinished((await this.get(id)).state.status)) return true;
      if (!signal.aborted) await promise;
      return isFinished((await this.get(id)).state.status);
    } finally {
      clearTimeout(timer);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(id);
      signal.removeEventListener("abort", giveUp);
    }
  }

  #tell(id: string): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve();
  }
}

export function taskNotFound(id: string): GatewayError {
  return new GatewayError("task_not_found", `There is no task ${id} that this key may see.`, {
    hint: "A key sees the tasks it planned; finished ones are kept RETENTION_DAYS.",
  });
}
