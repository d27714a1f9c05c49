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
import type { Instruction } from "./execute/instruction.ts";

/** A task as the card or dialog of its requester shows it. */
export interface SurfaceView {
  /** Whole, as an approver sees it, where it may be decided here; else as the requester sees it. */
  readonly task: TaskView;
  /** Why it is not decided here; undefined where it is. */
  readonly denial?: string;
}

/**
 * Plan → confirm → execute, as the outside calls it. Scopes are checked before; whose task it is is
 * checked here: another key's task is `task_not_found`.
 */
export interface Tasks {
  /** Throws policy denials, `plan_mismatch` for an Idempotency-Key reused with another body, `stopped`, `queue_full`. */
  plan(
    principal: Principal,
    request: PlanRequest,
    options?: { idempotencyKey?: string | undefined; requestedBy?: RequestedBy | undefined },
  ): Promise<PlanView>;
  /** Throws `digest_mismatch`, `already_decided`, `same_approver`, `plan_expired`, `stopped`. */
  confirm(principal: Principal, request: ConfirmRequest): Promise<TaskView>;
  /** The requester's own task, for the person in front of its card or dialog. */
  surface(principal: Principal, taskId: string): Promise<SurfaceView>;
  /**
   * That person's decision, with the requester's own key. Throws `scope_missing` unless the operator
   * marked the key `trusted_approval_surface`, and always for high risk and where two approvers are
   * asked for; besides what `confirm` throws.
   */
  decideOnSurface(
    principal: Principal,
    request: ConfirmRequest,
    surface: Surface,
  ): Promise<TaskView>;
  /**
   * Starts the stored plan, once. With `waitMs` resolves when the task is finished or the time is
   * up; `finished` says which.
   */
  execute(
    principal: Principal,
    request: ExecuteRequest,
    options: { waitMs: number; signal: AbortSignal },
  ): Promise<{ finished: boolean; view: ExecuteView }>;
  cancel(principal: Principal, taskId: string): Promise<TaskView>;
  /**
   * Tells a running task something. Throws `state_changed` where it does not run, `invalid_request`
   * where its step takes no instructions, `stopped`, and what the step answers.
   */
  instruct(principal: Principal, taskId: string, instruction: Instruction): Promise<TaskView>;
  get(principal: Principal, taskId: string): Promise<TaskView>;
  list(principal: Principal, query: TaskListQuery): Promise<TaskList>;
  /** Cancels what is queued or running and refuses new work until resumed, across restarts. */
  stop(principal: Principal, reason: string | undefined): Promise<StopView>;
  resume(principal: Principal): Promise<StopView>;
  readonly stopped: boolean;
}
