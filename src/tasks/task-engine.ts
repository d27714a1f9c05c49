import type { CapabilityRegistry } from "../capabilities/capability.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Policy, RiskLevel } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type {
  ConfirmRequest,
  ExecuteRequest,
  ExecuteView,
  PlanRequest,
  StopView,
  TaskList,
  TaskListQuery,
} from "../contract/requests.ts";
import type { PlanView, RequestedBy, Surface, TaskView } from "../contract/task.ts";
import { afterOthers } from "../lib/turns.ts";
import { applyDecision } from "./approve/confirmation.ts";
import { checkProposal } from "./approve/proposal.ts";
import { findSurfaceDenial, notDecidedHere } from "./approve/surface.ts";
import type { ArtifactKeeper } from "./artifact-keeper.ts";
import { digestOf } from "./audit-details.ts";
import { type Desktops, findDecisionDenial } from "./desktops.ts";
import { Dispatcher } from "./execute/dispatcher.ts";
import { Handovers } from "./execute/handovers.ts";
import { instruct } from "./execute/instruct.ts";
import type { Instruction } from "./execute/instruction.ts";
import { Interruption } from "./execute/interruption.ts";
import { findStartDenial, type PreconditionDeps } from "./execute/preconditions.ts";
import { refuseEnded } from "./execute/refuse-ended.ts";
import { refuseMismatch } from "./execute/refuse-mismatch.ts";
import { Runner } from "./execute/runner.ts";
import { GrantService } from "./grants/grant-service.ts";
import type { GrantStore } from "./grants/grant-store.ts";
import { approveByGrant } from "./grants/granted-approval.ts";
import { Grants } from "./grants/grants.ts";
import { refuseTooMuchPending } from "./limits.ts";
import { listTasks, maySee } from "./list-tasks.ts";
import { PlanPictures } from "./plan/plan-pictures.ts";
import { newTask, plannedTask, planRecords } from "./plan/plan-records.ts";
import { Planner } from "./plan/planner.ts";
import { type LockManager, Scheduler } from "./scheduler.ts";
import type { StopSwitch } from "./stop-switch.ts";
import { Stopper } from "./stopper.ts";
import type { Task } from "./task.ts";
import { pause, TaskCanceller } from "./task-canceller.ts";
import type { TaskReader } from "./task-reader.ts";
import { planCorrupted, TaskRepository, taskNotFound } from "./task-repository.ts";
import type { NewTask, TaskStore } from "./task-store.ts";
import { isUndecided, TaskViews } from "./task-view.ts";
import type { SurfaceView, Tasks } from "./tasks.ts";
import { isFinished } from "./transitions.ts";

export interface TaskEngineDeps {
  readonly store: TaskStore;
  readonly reader: TaskReader;
  readonly grants: GrantStore;
  readonly stopSwitch: StopSwitch;
  readonly desktops: Desktops;
  readonly artifacts: ArtifactKeeper;
  readonly capabilities: CapabilityRegistry;
  readonly policy: () => Policy;
  readonly findPrincipal: (keyId: string) => Principal | undefined;
  /** Everybody who may have acted in a key's or person's name: two approvals have none in common. */
  readonly handsOf: (keyId: string) => ReadonlySet<string>;
  /**
   * Proof of the fresh touch that came with an approval; throws where policy asks for one and there
   * is none, or it does not hold.
   */
  readonly checkStepUp: (
    principal: Principal,
    request: ConfirmRequest,
    risk: RiskLevel,
  ) => Promise<object | undefined>;
  readonly maxFileSize: number;
  /** Without a slash at its end. */
  readonly publicUrl: () => string;
  readonly onError: (error: unknown, taskId: string) => void;
  /** What is stored of a task is not what was planned and approved. */
  readonly onCorrupted: (taskId: string, problem: string) => void;
}

/** ms running tasks get to finish at shutdown before they are interrupted. */
const SHUTDOWN_GRACE_MS = 5000;
const SWEEP_MS = 1000;

/** Plan → confirm → execute: the public door of the task room. */
export class TaskEngine implements Tasks, AsyncDisposable {
  /** For what is no task and must not act beside one. */
  readonly lockManager: LockManager;
  readonly handovers = new Handovers();
  readonly #deps: TaskEngineDeps;
  readonly #repository: TaskRepository;
  readonly #planner: Planner;
  readonly #runner: Runner;
  readonly #dispatcher: Dispatcher;
  readonly #canceller: TaskCanceller;
  readonly #stopper: Stopper;
  readonly #views: TaskViews;
  readonly #pictures: PlanPictures;
  readonly #grants: Grants;
  readonly #preconditions: PreconditionDeps;
  readonly grantService: GrantService;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(deps: TaskEngineDeps) {
    this.#deps = deps;
    this.#repository = new TaskRepository(deps);
    const scheduler = new Scheduler(() => deps.policy().security.max_concurrent_tasks);
    this.lockManager = scheduler;
    this.#planner = new Planner({ ...deps, lockManager: scheduler });
    this.#views = new TaskViews(deps);
    this.#pictures = new PlanPictures(deps);
    const stopped = () => this.stopped;
    this.#grants = new Grants({
      ...deps,
      stopped,
      wasGiven: (grant) => deps.reader.wasGiven(grant),
      onForged: ({ id, on_task }) =>
        deps.onCorrupted(on_task, `the audit log does not have the grant ${id}`),
      withdraw: (grantId, why) => this.#canceller.withdraw(grantId, why),
    });
    this.#preconditions = {
      ...deps,
      stopped,
      findGrantDenial: (grantId) => this.#grants.findDenial(grantId),
    };
    const shared = {
      ...deps,
      ...this.#preconditions,
      repository: this.#repository,
      handovers: this.handovers,
    };
    this.#runner = new Runner(shared);
    this.#dispatcher = new Dispatcher({ ...shared, runner: this.#runner, scheduler });
    this.#canceller = new TaskCanceller({
      ...shared,
      runner: this.#runner,
      dispatcher: this.#dispatcher,
    });
    this.#stopper = new Stopper({ ...deps, canceller: this.#canceller, grants: this.#grants });
    this.grantService = new GrantService({
      ...shared,
      canceller: this.#canceller,
      grants: this.#grants,
    });
  }

  /** Takes up what an earlier run of the program left; call once, before requests come in. */
  async recover(): Promise<void> {
    await this.#canceller.markInterrupted();
    await this.#grants.load();
    for (const keyId of await this.#deps.store.openRequesters()) {
      if (this.#deps.findPrincipal(keyId) === undefined) await this.revoke(keyId);
    }
    for (const id of await this.#deps.store.listByStatus(["queued"], Number.MAX_SAFE_INTEGER)) {
      const task = await this.#repository.read(id);
      if (task.state.status === "queued") this.#dispatcher.enqueue(task);
    }
    this.#sweeper = setInterval(() => {
      void this.#canceller.sweep();
      this.#stopper.sweep();
      this.recheckGrants();
    }, SWEEP_MS).unref();
  }

  /** Ends grants that hold no longer; what cannot be written down is tried again. */
  recheckGrants(): void {
    this.#grants.recheck().catch((error: unknown) => this.#deps.onError(error, "grants"));
  }

  get stopped(): boolean {
    return this.#deps.stopSwitch.stopped;
  }

  async plan(
    principal: Principal,
    request: PlanRequest,
    options: { idempotencyKey?: string | undefined; requestedBy?: RequestedBy | undefined } = {},
  ): Promise<PlanView> {
    this.#refuseStopped();
    const { idempotencyKey: key, requestedBy } = options;
    const bodyDigest = key === undefined ? "" : digestOf(request);
    if (key !== undefined) {
      const kept = await this.#deps.store.findIdempotent(principal.keyId, key);
      if (kept !== undefined) return this.#replayPlan(principal, kept, bodyDigest);
    }
    this.#refuseTooMuchPending(principal, 0);
    const planned = await this.#planner.plan(principal, request, requestedBy);
    // Looking at a screen takes its time.
    this.#refuseStopped();
    const now = new Date().toISOString();
    const task = newTask(planned, now);
    const size = sizeOf(task);
    this.#refuseTooMuchPending(principal, size);
    await afterOthers(size);
    const kept = await this.#repository.insert(
      task,
      planRecords(planned, now, this.#deps.capabilities, this.#deps.policy().digest),
      key === undefined ? undefined : { keyId: principal.keyId, key, bodyDigest },
    );
    if (kept !== undefined) return this.#replayPlan(principal, kept, bodyDigest);
    await this.#pictures.keep(planned);
    await afterOthers(size);
    return this.#views.plan(plannedTask(planned, task), principal);
  }

  async confirm(principal: Principal, request: ConfirmRequest): Promise<TaskView> {
    return this.#view(await this.#decide(principal, request), principal);
  }

  async surface(principal: Principal, taskId: string): Promise<SurfaceView> {
    const task = await this.#seen(principal, taskId);
    if (task.requester !== principal.keyId) throw taskNotFound(taskId);
    const denial =
      findSurfaceDenial(principal, task.plan) ??
      (isUndecided(task.state.status) ? undefined : `The task is ${task.state.status}.`);
    const view = await this.#view(task, principal, denial === undefined);
    return { task: view, ...(denial !== undefined && { denial }) };
  }

  async decideOnSurface(
    principal: Principal,
    request: ConfirmRequest,
    surface: Surface,
  ): Promise<TaskView> {
    const task = await this.#owned(principal, request.task_id);
    const denial = findSurfaceDenial(principal, task.plan);
    if (denial !== undefined) throw notDecidedHere(principal, denial);
    return this.#view(await this.#decide(principal, request, surface), principal);
  }

  async execute(
    principal: Principal,
    request: ExecuteRequest,
    options: { waitMs: number; signal: AbortSignal },
  ): Promise<{ finished: boolean; view: ExecuteView }> {
    this.#refuseStopped();
    const task = await this.#start(principal, request);
    const finished =
      options.waitMs > 0 &&
      (await this.#repository.finished(task.id, options.waitMs, options.signal));
    const present = finished ? await this.#repository.get(task.id) : task;
    refuseEnded(present);
    const artifacts = isFinished(present.state.status)
      ? await this.#deps.artifacts.list(task.id)
      : [];
    return { finished, view: this.#views.execution(present, artifacts) };
  }

  async cancel(principal: Principal, taskId: string): Promise<TaskView> {
    await this.#own(principal, taskId);
    const cancelled = await this.#canceller.end(
      taskId,
      new Interruption("cancel", principal.keyId, `Cancelled by key ${principal.keyId}.`),
    );
    return this.#view(cancelled, principal);
  }

  async instruct(
    principal: Principal,
    taskId: string,
    instruction: Instruction,
  ): Promise<TaskView> {
    this.#refuseStopped();
    const task = await this.#own(principal, taskId);
    refuseEnded(task);
    const denial = findDecisionDenial(task.plan.desktop, principal);
    if (denial !== undefined) throw denial;
    await instruct(
      { runner: this.#runner, repository: this.#repository, handovers: this.handovers },
      task,
      principal.keyId,
      instruction,
    );
    return this.#view(await this.#repository.get(taskId), principal);
  }

  async get(principal: Principal, taskId: string): Promise<TaskView> {
    return this.#view(await this.#seen(principal, taskId), principal);
  }

  list(principal: Principal, query: TaskListQuery): Promise<TaskList> {
    const view = (task: Task) => this.#view(task, principal);
    return listTasks(this.#deps.store, principal, query, (id) => this.#readIfKept(id), view);
  }

  stop({ keyId }: Principal, reason: string | undefined): Promise<StopView> {
    return this.#stopper.stop(keyId, reason);
  }

  resume({ keyId }: Principal): Promise<StopView> {
    return this.#stopper.resume(keyId);
  }

  /** Ends what a revoked key planned, its grants, and voids what it approved and has not started. */
  async revoke(keyId: string): Promise<void> {
    await Promise.all([this.#grants.endOf(keyId), this.#canceller.revoke(keyId)]);
  }

  /** Lets what runs finish for a moment, then marks it interrupted. What is queued stays queued. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    this.#dispatcher.close();
    const idle = this.#runner.idle();
    await Promise.race([idle, pause(SHUTDOWN_GRACE_MS)]);
    const shutdown = new Interruption(
      "shutdown",
      null,
      "The gateway shut down while the task ran.",
    );
    for (const id of this.#runner.runningIds()) void this.#runner.interrupt(id, shutdown);
    await Promise.race([this.#runner.idle(), pause(SHUTDOWN_GRACE_MS)]);
  }

  /** Moves the task on as far as the call may; answers its present state otherwise. */
  async #start(principal: Principal, request: ExecuteRequest): Promise<Task> {
    for (;;) {
      const task = await this.#own(principal, request.task_id);
      const { plan } = task;
      if (await this.#canceller.expireIfDue(task)) continue;
      if (task.isAccount === undefined) refuseMismatch(this.#deps.capabilities, task, request);
      const { status } = task.state;
      refuseEnded(task);
      const needsPerson = status === "planned" && plan.mode === "approver";
      const grant = needsPerson ? this.#grants.covering(plan, task.notes) : undefined;
      if (needsPerson && grant === undefined) {
        const moved = await this.#repository.apply(task, {
          transitions: ["awaiting_confirmation"],
          state: { executed: true },
          keyId: principal.keyId,
          audit: [{ type: "task.awaiting_confirmation", details: { plan_digest: task.digest } }],
        });
        if (moved !== undefined) return moved;
      } else if (status === "planned" || status === "ready") {
        const granted = grant && approveByGrant(task, grant);
        const denial = findStartDenial(this.#preconditions, granted?.task ?? task, 0);
        if (denial !== undefined) throw denial;
        const moved = await this.#dispatcher.start(task, principal.keyId, granted);
        if (moved === undefined) continue;
        if (granted !== undefined) this.#grants.countUse(granted.grantId, granted.approval.at);
        return moved;
      } else {
        return task;
      }
    }
  }

  async #decide(principal: Principal, request: ConfirmRequest, surface?: Surface): Promise<Task> {
    const { capabilities } = this.#deps;
    const present = await this.#repository.get(request.task_id);
    const denial = findDecisionDenial(present.plan.desktop, principal);
    if (denial !== undefined) throw denial;
    checkProposal(capabilities, request);
    let touch: object | undefined;
    if (request.decision === "approve") {
      this.#refuseStopped();
      await this.#pictures.refuseUnshown(present);
      touch = await this.#deps.checkStepUp(principal, request, present.plan.risk);
    }
    await this.#canceller.expireIfDue(present);
    const task = await this.#repository.change(request.task_id, (present) =>
      applyDecision(present, principal, request, {
        capabilities,
        handsOf: this.#deps.handsOf,
        surface,
        touch,
      }),
    );
    if (task.state.status === "queued") this.#dispatcher.enqueue(task);
    return task;
  }

  /** To be shown: it may be corrupted. */
  async #seen(principal: Principal, taskId: string): Promise<Task> {
    const task = await this.#repository.read(taskId);
    if (!maySee(principal, task)) throw taskNotFound(taskId);
    return task;
  }

  async #own(principal: Principal, taskId: string): Promise<Task> {
    const task = await this.#seen(principal, taskId);
    if (task.corruption !== undefined) throw planCorrupted(task.corruption);
    return task;
  }

  /** Removed meanwhile: undefined. */
  async #readIfKept(taskId: string): Promise<Task | undefined> {
    try {
      return await this.#repository.read(taskId);
    } catch (error) {
      if (error instanceof GatewayError && error.code === "task_not_found") return undefined;
      throw error;
    }
  }

  /** The key's own task, whatever else it may see. */
  async #owned(principal: Principal, taskId: string): Promise<Task> {
    const task = await this.#own(principal, taskId);
    if (task.requester !== principal.keyId) throw taskNotFound(taskId);
    return task;
  }

  async #view(task: Task, principal: Principal, approver?: boolean): Promise<TaskView> {
    const started = task.state.started_at !== undefined;
    const artifacts = started ? await this.#deps.artifacts.list(task.id) : [];
    return this.#views.task(task, principal, artifacts, approver);
  }

  async #replayPlan(
    principal: Principal,
    kept: { taskId: string; bodyDigest: string },
    bodyDigest: string,
  ): Promise<PlanView> {
    if (kept.bodyDigest !== bodyDigest) {
      throw new GatewayError("plan_mismatch", "This Idempotency-Key was used with another body.", {
        hint: "Use a new key for a new plan.",
      });
    }
    return this.#views.plan(await this.#repository.read(kept.taskId), principal);
  }

  #refuseTooMuchPending({ keyId }: Principal, size: number): void {
    const pending = this.#deps.store.pendingBytes(keyId);
    refuseTooMuchPending(this.#deps.policy(), keyId, pending, size);
  }

  #refuseStopped(): void {
    if (!this.stopped) return;
    throw new GatewayError("stopped", "The gateway is stopped and takes no new work.", {
      hint: "An approver resumes it: POST /resume, or `./gateway resume`.",
      retry_after: 30,
    });
  }
}

/** Bytes on disk. */
function sizeOf({ canonicalPlan, notes }: NewTask): number {
  return Buffer.byteLength(canonicalPlan) + Buffer.byteLength(notes);
}
