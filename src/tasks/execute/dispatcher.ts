import { GatewayError } from "../../contract/errors.ts";
import { outsideRequests } from "../../lib/request-scope.ts";
import { desktopLock } from "../desktop-locks.ts";
import { approvedBy, type GrantedApproval } from "../grants/granted-approval.ts";
import type { LockMode } from "../lock-table.ts";
import type { Job, Scheduler } from "../scheduler.ts";
import type { Task } from "../task.ts";
import type { Change, TaskRepository } from "../task-repository.ts";
import { findStartDenial, type PreconditionDeps } from "./preconditions.ts";
import type { Runner } from "./runner.ts";
import { intentOf } from "./step-records.ts";

export interface DispatcherDeps extends PreconditionDeps {
  readonly repository: TaskRepository;
  readonly runner: Runner;
  readonly scheduler: Scheduler;
  readonly onError: (error: unknown, taskId: string) => void;
}

/** ms before a task whose start could not be recorded is tried again. */
const RETRY_MS = 500;

/** Brings confirmed tasks to run: at once where there is a place, else in their turn. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #scheduler: Scheduler;
  #closed = false;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#scheduler = deps.scheduler;
  }

  /**
   * Starts or queues a planned or ready task that nothing stands against; with `granted` it is
   * approved by that in the same move. Undefined where the task or the grant has moved meanwhile. Throws `queue_full`.
   */
  async start(task: Task, keyId: string, granted?: GrantedApproval): Promise<Task | undefined> {
    const ready = task.state.status === "ready" ? [] : (["ready"] as const);
    const job = this.#job(task);
    if (this.#scheduler.reserve(job)) {
      return this.#run(job, task, {
        ...approvedBy(granted, this.#beginning(granted?.task ?? task, keyId)),
        transitions: [...ready, "queued", "running"],
      });
    }
    const most = this.#deps.policy().security.max_queued_tasks;
    if (this.#scheduler.waiting(job.owner) >= most) {
      throw new GatewayError("queue_full", `Key ${job.owner} has ${most} tasks waiting already.`, {
        hint: "security.max_queued_tasks in config/policy.json bounds how many may wait; try again later.",
        retry_after: 1,
      });
    }
    const queued = await this.#deps.repository.apply(
      task,
      approvedBy(granted, {
        transitions: [...ready, "queued"],
        state: { executed: true },
        keyId,
        audit: [{ type: "task.queued", details: { plan_digest: task.digest } }],
      }),
    );
    if (queued !== undefined) this.enqueue(queued);
    return queued;
  }

  /** Puts a task that stands at `queued` in line. */
  enqueue(task: Task): void {
    // The plan is read again when its turn comes: what waits must not fill the memory.
    this.#scheduler.enqueue(this.#job(task), (job) => void this.#begin(job));
  }

  remove(taskId: string): void {
    this.#scheduler.remove(taskId);
  }

  close(): void {
    this.#closed = true;
    this.#scheduler.close();
  }

  /** The task's turn has come: looks at it again and runs it, or ends it where it may not run any more. */
  async #begin(job: Job): Promise<void> {
    const { taskId } = job;
    try {
      const task = await this.#deps.repository.get(taskId);
      if (task.state.status !== "queued") return this.#scheduler.release(job);
      const denial = findStartDenial(this.#deps, task, 0);
      if (denial !== undefined) {
        await this.#deps.repository.apply(task, denialOf(task, denial));
        return this.#scheduler.release(job);
      }
      const begun = { ...this.#beginning(task, null), transitions: ["running"] as const };
      // Changed meanwhile: its place was given back, so it takes another turn.
      if ((await this.#run(job, task, begun)) === undefined) await this.#again(taskId);
    } catch (error) {
      this.#scheduler.release(job);
      if (this.#closed || isCorrupted(error)) return;
      this.#deps.onError(error, taskId);
      const retry = () => this.#again(taskId).catch((late) => this.#deps.onError(late, taskId));
      setTimeout(() => void retry(), RETRY_MS).unref();
    }
  }

  async #again(taskId: string): Promise<void> {
    const task = await this.#deps.repository.get(taskId);
    if (task.state.status === "queued") this.enqueue(task);
  }

  /** Commits the start, then runs without being waited for. The place is given back at its end. */
  async #run(job: Job, task: Task, change: Change): Promise<Task | undefined> {
    let running: Task | undefined;
    try {
      running = await this.#deps.repository.apply(task, change);
    } catch (error) {
      this.#scheduler.release(job);
      throw error;
    }
    if (running === undefined) {
      this.#scheduler.release(job);
      return undefined;
    }
    const release = () => this.#scheduler.release(job);
    void outsideRequests(() => this.#deps.runner.run(running)).then(release, release);
    return running;
  }

  #beginning(task: Task, keyId: string | null): Change {
    const { plan } = task;
    const { approvals } = task.state;
    return {
      transitions: [],
      state: { executed: true },
      data: { progress: 0, message: task.notes.summary },
      keyId,
      audit: [
        {
          type: "task.started",
          details: {
            plan_digest: task.digest,
            policy_digest: this.#deps.policy().digest,
            mode: plan.mode,
            approvals: approvals.map(({ key_id, on_behalf_of, at, grant_id }) => ({
              key_id,
              at,
              ...(grant_id !== undefined && { grant_id }),
              ...(on_behalf_of !== undefined && { on_behalf_of }),
            })),
          },
        },
        intentOf(this.#deps.capabilities, plan, 0),
      ],
    };
  }

  #job(task: Task): Job {
    const { plan } = task;
    const locks = new Map<string, LockMode>();
    for (const step of plan.steps) {
      const capability = this.#deps.capabilities.get(step.action);
      if (capability?.lock === "desktop") locks.set(desktopLock(plan.desktop), "exclusive");
      if (capability?.lock !== "path") continue;
      const name = `path:${plan.desktop}:${capability.facts(step.parameters).path}`;
      // A task that reads a file and also changes it has it alone.
      if (!capability.readOnly) locks.set(name, "exclusive");
      else if (!locks.has(name)) locks.set(name, "shared");
    }
    return { taskId: task.id, owner: task.requester, locks };
  }
}

/** It has ended by itself: the repository ends what it finds corrupted. */
function isCorrupted(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "plan_corrupted";
}

/** How a queued task ends that may not run any more. */
function denialOf(task: Task, denial: GatewayError): Change {
  const { hint } = denial.extras;
  const error = { code: denial.code, detail: denial.detail, step: 0, ...(hint && { hint }) };
  const endings = {
    plan_expired: "expired",
    stopped: "cancelled",
    task_cancelled: "cancelled",
  } as const;
  const status = Object.hasOwn(endings, denial.code)
    ? endings[denial.code as keyof typeof endings]
    : "failed";
  return {
    transitions: [status],
    state: { error },
    data: { error },
    keyId: null,
    audit: [
      { type: `task.${status}`, details: { plan_digest: task.digest, reason: denial.detail } },
    ],
  };
}
