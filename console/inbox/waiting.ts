import type { RiskLevel } from "../../src/contract/policy.ts";
import type { RequestedBy, TaskStatus, TaskView } from "../../src/contract/task.ts";

/** A task that waits for a person, as far as a list of many needs to know it. */
export interface Waiting {
  readonly id: string;
  readonly title: string | undefined;
  readonly summary: string;
  readonly action: string;
  readonly steps: number;
  readonly risk: RiskLevel;
  readonly reasons: readonly string[];
  readonly requester: string;
  readonly requestedBy: RequestedBy | undefined;
  readonly desktop: string;
  readonly status: TaskStatus;
  readonly expiresAt: number;
  readonly approvals: readonly string[];
  readonly approvalsNeeded: number;
}

const UNDECIDED: ReadonlySet<TaskStatus> = new Set(["planned", "awaiting_confirmation"]);

export function isUndecided(task: Pick<TaskView, "status" | "confirmation">): boolean {
  return UNDECIDED.has(task.status) && task.confirmation.mode === "approver";
}

/** The rest only names the place in the policy that is as it always is. */
const PLACE_ONLY = /^(?:confirmation \w+: |\w+ risk: capabilities\[)/;

/** Whether a reason says something of this very plan. */
export function isTelling(reason: string): boolean {
  return !PLACE_ONLY.test(reason);
}

/** Undefined for a task that no person needs to decide on. */
export function waitingOf(task: TaskView): Waiting | undefined {
  if (!isUndecided(task)) return undefined;
  return {
    id: task.task_id,
    title: task.title,
    summary: task.plan_summary,
    action: task.action,
    steps: task.steps.length,
    risk: task.estimated_risk,
    reasons: [...new Set(task.steps.flatMap((step) => step.reasons).filter(isTelling))],
    requester: task.requester,
    requestedBy: task.requested_by,
    desktop: task.desktop,
    status: task.status,
    expiresAt: Date.parse(task.expires_at),
    approvals: task.approvals.map(({ key_id }) => key_id),
    approvalsNeeded: task.confirmation.approvals_required,
  };
}

const RISK_ORDER: Readonly<Record<RiskLevel, number>> = { high: 0, medium: 1, low: 2 };

/** Highest risk first; of the same risk, what ends first. */
export function byUrgency(a: Waiting, b: Waiting): number {
  return (
    RISK_ORDER[a.risk] - RISK_ORDER[b.risk] ||
    a.expiresAt - b.expiresAt ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}
