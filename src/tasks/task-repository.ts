import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import type { EventData, EventDraft } from "../contract/event.ts";
import type { TaskStatus } from "../contract/task.ts";
import { RecentMap } from "../lib/recent-map.ts";
import type { Task, TaskState } from "./task.ts";
import { corruptionError, type TaskReader } from "./task-reader.ts";
import type { IdempotencyEntry, NewTask, Records, TaskStore } from "./task-store.ts";
import { checkTransitions, eventOf, isFinished } from "./transitions.ts";

/** A move along the table, or a change of state in place where `walk` is empty. */
export interface Change {
  /** The statuses passed and reached, in order; committed as one. */
  readonly transitions: readonly TaskStatus[];
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

export interface TaskRepositoryDeps {
  readonly store: TaskStore;
  readonly reader: TaskReader;
  /** Told once of each task whose row is not what was planned and approved. */
  readonly onCorrupted: (taskId: string, problem: string) => void;
  readonly onError: (error: unknown, taskId: string) => void;
}

/** Corrupted tasks that were told of; more are told of again. */
const MAX_TOLD = 1000;

/**
 * Moves tasks: each change is one conditional update with its events and audit records, all or
 * nothing. Those who wait for a task's end are told here. What is read is checked first: a task that
 * is not what was planned and approved ends here, and nothing else can be done with it.
 */
export class TaskRepository {
  readonly #deps: TaskRepositoryDeps;
  readonly #store: TaskStore;
  readonly #waiting = new Map<string, Set<() => void>>();
  /** Tasks that run here: whoever runs one ends it. */
  readonly #running = new Set<string>();
  readonly #told = new RecentMap<string, true>(MAX_TOLD);

  constructor(deps: TaskRepositoryDeps) {
    this.#deps = deps;
    this.#store = deps.store;
  }

  /** Inserts a new task; see `TaskStore.insert`. */
  async insert(
    task: NewTask,
    records: Records,
    idempotency?: IdempotencyEntry,
  ): Promise<{ taskId: string; bodyDigest: string } | undefined> {
    const kept = await this.#store.insert(task, records, idempotency);
    if (kept === undefined) this.#deps.reader.note(task.id, records);
    return kept;
  }

  /** Throws `task_not_found`, `plan_corrupted`. */
  async get(id: string): Promise<Task> {
    const task = await this.read(id);
    if (task.corruption !== undefined) throw planCorrupted(task.corruption);
    return task;
  }

  /** To be shown: a corrupted task as far as the audit log tells of it. Throws `task_not_found`. */
  async read(id: string): Promise<Task> {
    for (;;) {
      const task = await this.#deps.reader.read(id);
      if (task === undefined) throw taskNotFound(id);
      const { corruption } = task;
      if (corruption === undefined) return task;
      if (this.#told.get(id) === undefined) {
        this.#told.set(id, true);
        this.#deps.onCorrupted(id, corruption);
      }
      if (isFinished(task.state.status) || this.#running.has(id)) return task;
      try {
        const ended = await this.#endCorrupted(task, corruption);
        if (ended !== undefined) return ended;
      } catch (error) {
        // It cannot be written down now; it is not run either way.
        this.#deps.onError(error, id);
        return task;
      }
    }
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
    checkTransitions(task.state.status, change.transitions);
    const now = new Date().toISOString();
    const status = change.transitions.at(-1) ?? task.state.status;
    const state: TaskState = {
      ...task.state,
      ...change.state,
      status,
      ...(change.transitions.includes("running") && { started_at: now }),
      ...(isFinished(status) && { finished_at: now }),
    };
    const event = change.transitions.length > 0 ? eventOf(status) : undefined;
    const drafts = [...(change.events ?? [])];
    if (event !== undefined) drafts.push({ event, data: change.data ?? {} });
    const records: Records = {
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
    };
    if (!(await this.#store.update(task.id, task.revision, state, records))) return undefined;
    this.#deps.reader.note(task.id, records);
    if (status === "running") this.#running.add(task.id);
    if (isFinished(status)) {
      this.#running.delete(task.id);
      this.#tell(task.id);
    }
    return { ...task, revision: task.revision + 1, state };
  }

  /**
   * Ends a task that runs here, whatever has become of its row meanwhile: an effect must not lose its
   * record.
   */
  async conclude(id: string, change: Change): Promise<void> {
    for (;;) {
      const task = await this.read(id);
      const { corruption, state } = task;
      const present =
        corruption === undefined
          ? task
          : { ...task, state: { ...state, status: "running" as const } };
      if ((await this.apply(present, change)) !== undefined) return;
    }
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
      if (isFinished((await this.read(id)).state.status)) return true;
      if (!signal.aborted) await promise;
      return isFinished((await this.read(id)).state.status);
    } finally {
      clearTimeout(timer);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(id);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Nothing of what its row says is kept. Undefined where it was moved meanwhile. */
  #endCorrupted(task: Task, corruption: string): Promise<Task | undefined> {
    const error = corruptionError(corruption);
    return this.apply(task, {
      transitions: ["failed"],
      state: { error },
      data: { error },
      keyId: null,
      audit: [
        {
          type: "task.failed",
          details: { plan_digest: task.digest, code: error.code, reason: error.detail },
        },
      ],
    });
  }

  #tell(id: string): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve();
  }
}

export function planCorrupted(corruption: string): GatewayError {
  const { code, detail, hint } = corruptionError(corruption);
  return new GatewayError(code, detail, { hint });
}

export function taskNotFound(id: string): GatewayError {
  return new GatewayError("task_not_found", `There is no task ${id} that this key may see.`, {
    hint: "A key sees the tasks it planned; finished ones are kept RETENTION_DAYS.",
  });
}
