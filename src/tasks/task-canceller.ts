import type { TaskStatus } from "../contract/task.ts";
import type { Desktops } from "./desktops.ts";
import type { Dispatcher } from "./execute/dispatcher.ts";
import { Interruption } from "./execute/interruption.ts";
import type { Runner } from "./execute/runner.ts";
import type { Task } from "./task.ts";
import type { TaskRepository } from "./task-repository.ts";
import type { TaskStore } from "./task-store.ts";
import { isPending, OPEN_STATUSES } from "./transitions.ts";

export interface TaskCancellerDeps {
  readonly store: TaskStore;
  readonly desktops: Desktops;
  readonly repository: TaskRepository;
  readonly runner: Runner;
  readonly dispatcher: Dispatcher;
  readonly onError: (error: unknown, taskId: string) => void;
}

/** ms a cancelled task gets to end before the answer says that it is still ending. */
const CANCEL_GRACE_MS = 5000;
const ALL = Number.MAX_SAFE_INTEGER;
/** Most tasks looked at in one go. */
const BATCH = 1000;

/** Ends tasks before their time: cancelled, revoked, stopped, expired, cut off by a crash. */
export class TaskCanceller {
  readonly #deps: TaskCancellerDeps;

  constructor(deps: TaskCancellerDeps) {
    this.#deps = deps;
  }

  /** Ends one task, whatever it is doing; a finished one stays as it is. */
  async end(taskId: string, interruption: Interruption): Promise<Task> {
    const { repository, runner, dispatcher } = this.#deps;
    const ending = runner.interrupt(taskId, interruption);
    if (ending !== undefined) {
      await Promise.race([ending, pause(CANCEL_GRACE_MS)]);
      return repository.get(taskId);
    }
    const task = await repository.change(taskId, (present) => {
      if (!isPending(present.state.status)) return undefined;
      const error = interruption.error();
      return {
        transitions: ["cancelled"],
        state: { error },
        data: { error },
        keyId: interruption.keyId,
        audit: [
          {
            type: "task.cancelled",
            details: { plan_digest: present.digest, reason: interruption.message },
          },
        ],
      };
    });
    dispatcher.remove(taskId);
    // It may have begun to run between the look and the change.
    const late = runner.interrupt(taskId, interruption);
    if (late === undefined) return task;
    await Promise.race([late, pause(CANCEL_GRACE_MS)]);
    return repository.get(taskId);
  }

  /**
   * Makes what runs end, recorded or not. `halted` resolves when it acts no more, or has had its time
   * for that.
   */
  interruptRunning(interruption: Interruption): { ids: string[]; halted: Promise<unknown> } {
    const { runner } = this.#deps;
    const ids = runner.runningIds();
    // Not waited for: what runs is stopped even where the stop cannot be written down.
    for (const id of ids) void runner.interrupt(id, interruption);
    const halted = Promise.all(ids.map((id) => runner.halted(id)));
    return { ids, halted: Promise.race([halted, pause(CANCEL_GRACE_MS)]) };
  }

  /** How many are queued, run, or are among `ids`. */
  async countActive(ids: readonly string[]): Promise<number> {
    return new Set([...ids, ...(await this.#deps.store.listByStatus(["queued", "running"], ALL))])
      .size;
  }

  /** Ends all that is queued or runs; resolves with how many tasks that were. */
  async endActive(interruption: Interruption, recorded: Promise<void>): Promise<number> {
    const { ids: running } = this.interruptRunning(interruption);
    await recorded;
    const active = await this.#deps.store.listByStatus(["queued", "running"], ALL);
    const ids = new Set([...running, ...active]);
    await Promise.all([...ids].map((id) => this.end(id, interruption)));
    return ids.size;
  }

  /** Ends what a revoked key planned, and what waits on an approval it gave. */
  async revoke(keyId: string): Promise<void> {
    const { store } = this.#deps;
    const interruption = new Interruption("revoked", null, `Key ${keyId} was revoked.`);
    for (const status of OPEN_STATUSES) {
      const query = { requester: keyId, status, limit: BATCH };
      for (let page = await store.list(query); page.length > 0; page = await store.list(query)) {
        for (const id of page) await this.end(id, interruption);
        if (page.length < BATCH) break;
      }
    }
    // Planned ones too: the key may live on, with another secret or fewer scopes.
    for (const id of await store.listApprovedBy(keyId)) await this.end(id, interruption);
  }

  /** Ends what a grant has approved and that has not started. */
  async withdraw(grantId: string, why: string): Promise<void> {
    const detail = `The grant ${grantId} that approved this task no longer holds: ${why}.`;
    const interruption = new Interruption("revoked", null, detail);
    for (const id of await this.#deps.store.listGrantedBy(grantId))
      await this.end(id, interruption);
  }

  /** Marks what ran when an earlier run of the program ended: nobody knows how far it came. */
  async markInterrupted(): Promise<void> {
    const crash = new Interruption("shutdown", null, "The gateway ended while the task ran.");
    for (const id of await this.#deps.store.listByStatus(["running"], ALL)) {
      const task = await this.#deps.repository.read(id);
      if (task.corruption !== undefined) {
        // It has ended by being read. What it did last is not known; what it may hold is released.
        this.#deps.desktops.get(task.plan.desktop)?.driver.recover?.([], Date.now());
        continue;
      }
      const error = crash.error();
      const cut = await this.#deps.repository.change(id, (task) => ({
        transitions: [crash.status],
        state: { error },
        data: { error },
        keyId: null,
        audit: [{ type: "task.interrupted", details: { plan_digest: task.digest } }],
      }));
      const { desktop, steps } = cut.plan;
      const startedAt = Date.parse(cut.state.started_at ?? cut.created_at);
      this.#deps.desktops.get(desktop)?.driver.recover?.(steps, startedAt);
    }
  }

  /** Moves a task whose plan is over to `expired`; says whether it was due. */
  async expireIfDue(task: Task): Promise<boolean> {
    const due = (status: TaskStatus) =>
      isPending(status) && Date.parse(task.plan.expires_at) <= Date.now();
    if (!due(task.state.status)) return false;
    await this.#deps.repository.change(task.id, (present) => {
      if (!due(present.state.status)) return undefined;
      return {
        transitions: ["expired"],
        keyId: null,
        audit: [{ type: "task.expired", details: { plan_digest: present.digest } }],
      };
    });
    this.#deps.dispatcher.remove(task.id);
    return true;
  }

  /** Expires what is due. */
  async sweep(): Promise<void> {
    try {
      const due = await this.#deps.store.listExpired(new Date().toISOString(), BATCH);
      for (const id of due) await this.expireIfDue(await this.#deps.repository.read(id));
    } catch (error) {
      this.#deps.onError(error, "expiry");
    }
  }
}

/** A timer that keeps no process alive. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
