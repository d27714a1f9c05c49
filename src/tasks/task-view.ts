import { isDeepStrictEqual } from "node:util";
import type { Principal } from "../contract/principal.ts";
import type { ExecuteView } from "../contract/requests.ts";
import type { ArtifactView, Parameters, PlanView, TaskStatus, TaskView } from "../contract/task.ts";
import { type GrantableDeps, proposeGrant } from "./grants/grantable.ts";
import type { Task } from "./task.ts";
import { isFinished } from "./transitions.ts";

const UNDECIDED: ReadonlySet<TaskStatus> = new Set(["planned", "awaiting_confirmation"]);

/** Whether an approver may still decide on it. */
export function isUndecided(status: TaskStatus): boolean {
  return UNDECIDED.has(status);
}

export interface TaskViewDeps extends GrantableDeps {
  /** Without a slash at its end. */
  readonly publicUrl: () => string;
}

/** Tasks as their requester or an approver may see them. */
export class TaskViews {
  readonly #deps: TaskViewDeps;

  constructor(deps: TaskViewDeps) {
    this.#deps = deps;
  }

  /** The page that opens the plan for an approver. It gives no right by itself. */
  confirmationUrl(taskId: string): string {
    return `${this.#deps.publicUrl()}/approvals/${taskId}`;
  }

  /**
   * The plan for this principal: an approver sees previews, and sensitive text while it is to be
   * decided; a requester sees what it may read anyway.
   */
  plan(
    task: Task,
    principal: Principal,
    approver: boolean = principal.scopes.has("confirm"),
  ): PlanView {
    const { plan } = task;
    const unmasked = approver && isUndecided(task.state.status);
    const steps = plan.steps.map((step, index) => {
      const note = task.notes.steps[index];
      const capability = this.#deps.capabilities.get(step.action);
      const parameters = unmasked
        ? step.parameters
        : (capability?.mask(step.parameters) ?? step.parameters);
      // Masked parameters have a masked preview, not the one made of what they hide.
      const hidden = capability !== undefined && !isDeepStrictEqual(parameters, step.parameters);
      const shown = hidden ? capability.preview(parameters) : note?.preview;
      const preview = approver || note?.openPreview ? shown : undefined;
      return {
        action: step.action,
        parameters,
        summary: note?.summary ?? "",
        risk: step.risk,
        reasons: [...(note?.reasons ?? []), ...(approver ? (note?.privateReasons ?? []) : [])],
        ...(note?.rule !== undefined && { rule: note.rule }),
        ...(preview !== undefined && { preview }),
      };
    });
    return {
      task_id: task.id,
      ...(plan.title !== undefined && { title: plan.title }),
      desktop: plan.desktop,
      action: steps[0]?.action ?? "",
      parameters: without(steps[0]?.parameters ?? {}, task.notes.defaults),
      estimated_risk: plan.risk,
      plan_summary: task.notes.summary,
      requires_confirmation: plan.mode !== "none",
      plan_digest: task.digest,
      status: task.state.status,
      expires_at: plan.expires_at,
      ...(task.notes.requested_by !== undefined && { requested_by: task.notes.requested_by }),
      confirmation: {
        mode: plan.mode,
        url: this.confirmationUrl(task.id),
        approvals_required: plan.approvals,
      },
      steps,
    };
  }

  task(
    task: Task,
    principal: Principal,
    artifacts: readonly ArtifactView[],
    approver?: boolean,
  ): TaskView {
    const { state, plan } = task;
    const isAsked = principal.scopes.has("confirm") && isUndecided(state.status);
    const grantable = isAsked ? proposeGrant(this.#deps, plan, task.notes) : undefined;
    return {
      ...this.plan(task, principal, approver),
      requester: task.requester,
      approvals: [...state.approvals],
      ...(state.rejection !== undefined && { rejection: state.rejection }),
      ...(grantable !== undefined && { grantable }),
      progress: state.progress,
      ...(state.message !== undefined && { message: state.message }),
      result: state.result,
      error: state.error,
      artifacts: [...artifacts],
      created_at: task.created_at,
      ...(state.started_at !== undefined && { started_at: state.started_at }),
      ...(state.finished_at !== undefined && { finished_at: state.finished_at }),
    };
  }

  execution(task: Task, artifacts: readonly ArtifactView[]): ExecuteView {
    const { status, result, error } = task.state;
    const base = { task_id: task.id, status: shownStatus(status), message: MESSAGES[status] };
    if (status === "awaiting_confirmation") {
      const url = this.confirmationUrl(task.id);
      return {
        ...base,
        message: `${base.message} An approver decides at ${url}`,
        confirmation_url: url,
      };
    }
    if (!isFinished(status)) return base;
    return { ...base, result, error, artifacts: [...artifacts] };
  }
}

function without(parameters: Parameters, names: readonly string[]): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !names.includes(name)));
}

/** A task that queues for a moment has been started, as far as its caller is concerned. */
function shownStatus(status: TaskStatus): TaskStatus {
  return status === "queued" ? "running" : status;
}

const MESSAGES: Readonly<Record<TaskStatus, string>> = {
  planned: "Task is planned",
  awaiting_confirmation: "Task waits for a person's confirmation and then starts by itself.",
  ready: "Task is confirmed and not started",
  queued: "Task execution started",
  running: "Task execution started",
  completed: "Task completed",
  failed: "Task failed",
  cancelled: "Task was cancelled",
  interrupted: "Task was interrupted: its outcome is unknown",
  rejected: "Task was rejected",
  expired: "Plan expired before it ran",
};
