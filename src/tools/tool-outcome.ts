import type {
  ArtifactView,
  PlanRequest,
  TaskError,
  TaskResult,
  TaskStatus,
  TaskView,
} from "../contract/task.ts";
import { IMAGE_TYPES } from "../lib/image-types.ts";
import { shownProposal } from "../tasks/approve/proposal.ts";
import { stepsOf } from "../tasks/plan/steps-of.ts";

/** What came of a call. What was refused before a task began is thrown instead. */
export type ToolOutcome =
  | {
      readonly kind: "result";
      readonly taskId: string;
      readonly result: TaskResult;
      readonly artifacts: readonly ArtifactView[];
      /** The picture that the answer is, where it is one. */
      readonly image?: ArtifactView;
    }
  | {
      readonly kind: "awaiting";
      readonly taskId: string;
      readonly status: TaskStatus;
      readonly advice: string;
      /** Opens the plan for an approver and gives no right: a link for the person. */
      readonly confirmationUrl: string;
      readonly expiresAt: string;
    }
  | {
      readonly kind: "running";
      readonly taskId: string;
      readonly status: TaskStatus;
      readonly advice: string;
      readonly progress: number;
      readonly message?: string;
    }
  | {
      readonly kind: "failed";
      readonly taskId: string;
      readonly status: TaskStatus;
      readonly error: TaskError;
      readonly artifacts: readonly ArtifactView[];
      /** What the person who rejected it said. */
      readonly rejection?: TaskView["rejection"];
    };

/** How a task stands, as the outcome of a call. */
export function outcomeOf(task: TaskView): ToolOutcome {
  const { task_id: taskId, status, artifacts, progress, message } = task;
  if (status === "completed") {
    const image =
      task.steps.length === 1
        ? artifacts.find(({ media_type }) => IMAGE_TYPES.has(media_type))
        : undefined;
    return { kind: "result", taskId, result: task.result, artifacts, ...(image && { image }) };
  }
  if (status === "planned" || status === "awaiting_confirmation") {
    return {
      kind: "awaiting",
      taskId,
      status,
      advice: awaiting(task.confirmation.url),
      confirmationUrl: task.confirmation.url,
      expiresAt: task.expires_at,
    };
  }
  const { rejection } = task;
  const error = task.error ?? endOf(task);
  if (error !== undefined) {
    return { kind: "failed", taskId, status, error, artifacts, ...(rejection && { rejection }) };
  }
  return {
    kind: "running",
    taskId,
    status,
    advice: RUNNING,
    progress,
    ...(message !== undefined && { message }),
  };
}

/** The outcome as the JSON that a model is given. */
export function answerOf(outcome: ToolOutcome): Record<string, unknown> {
  const { kind, taskId: task_id } = outcome;
  if (kind === "result") {
    const { result, artifacts } = outcome;
    return { task_id, status: "completed", result, ...(artifacts.length > 0 && { artifacts }) };
  }
  const { status } = outcome;
  if (kind === "awaiting") {
    return { task_id, status, confirmation_url: outcome.confirmationUrl, advice: outcome.advice };
  }
  if (kind === "failed") {
    const { error, artifacts, rejection } = outcome;
    const { reason, proposal } = rejection ?? {};
    return {
      task_id,
      status,
      error,
      ...(reason !== undefined && { reason }),
      ...shownProposal(task_id, proposal && asPlan(proposal)),
      ...(artifacts.length > 0 && { artifacts }),
    };
  }
  const { advice, progress, message } = outcome;
  return { task_id, status, progress, ...(message !== undefined && { message }), advice };
}

/** In the form that run_plan takes. */
function asPlan({ title, desktop, ...request }: PlanRequest): PlanRequest {
  return {
    ...(title !== undefined && { title }),
    ...(desktop !== undefined && { desktop }),
    steps: [...stepsOf(request)],
  };
}

const awaiting = (url: string) =>
  `Nothing has run yet. A person decides on this plan at ${url}, and it starts by itself once approved. Put this link into your answer to the user, then ask task_status with this task_id and wait 60. You cannot approve it, and calling again only makes another plan.`;
const RUNNING = "It is not finished. Ask task_status with this task_id and wait 60.";

/** What a task that ended without an error of its own says. */
function endOf({ status, rejection }: TaskView): TaskError | undefined {
  return rejection?.proposal === undefined ? ENDS[status] : PROPOSED;
}

const PROPOSED: TaskError = {
  code: "task_rejected",
  detail: "A person rejected this task and proposes another plan instead.",
  hint: "Where the proposal is what the user wants, call run_plan with exactly the proposal; a person decides on that as on every plan.",
};

/** By status. */
const ENDS: Readonly<Partial<Record<TaskStatus, TaskError>>> = {
  rejected: {
    code: "task_rejected",
    detail: "A person rejected this task.",
    hint: "Ask the user what they want instead; do not try the same again.",
  },
  cancelled: {
    code: "task_cancelled",
    detail: "This task was cancelled.",
    hint: "Ask the user before trying it again.",
  },
  expired: {
    code: "plan_expired",
    detail: "Nobody decided on this task in time.",
    hint: "Call the tool again if it is still wanted.",
  },
  failed: { code: "outcome_unknown", detail: "The task failed.", hint: "Look at the desktop." },
  interrupted: {
    code: "outcome_unknown",
    detail: "The task was interrupted: nobody knows how far it came.",
    hint: "Look at the desktop before trying again.",
  },
};
