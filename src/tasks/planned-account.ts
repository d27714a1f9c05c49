import type { AuditRecord } from "../contract/audit.ts";
import { CONFIRMATION_MODES, type ConfirmationMode, RISK_LEVELS } from "../contract/policy.ts";
import { freezePlan } from "./stored-plan.ts";
import type { Plan, PlanNotes, StoredPlan } from "./task.ts";
import type { StoredTask } from "./task-store.ts";

interface Account {
  readonly plan: StoredPlan;
  readonly notes: PlanNotes;
}

/**
 * What the audit log tells of a plan whose bytes are gone or cannot be trusted: its actions, with
 * digests in place of content. It is shown, and never run.
 */
export function accountOf(
  { id, requester, expires_at }: Pick<StoredTask, "id" | "requester" | "expires_at">,
  planned: AuditRecord | undefined,
): Account {
  const details = planned?.details ?? {};
  const steps = Array.isArray(details.steps) ? details.steps : [];
  const risk = RISK_LEVELS.find((level) => level === details.risk) ?? "high";
  const actions = steps.map(({ action }) => String(action));
  const plan: Plan = {
    task_id: id,
    requester: planned?.key_id ?? requester,
    desktop: String(details.desktop ?? ""),
    ...(typeof details.title === "string" && { title: details.title }),
    steps: steps.map(({ action, parameters }) => ({ action, parameters, risk, bound: {} })),
    risk,
    mode: modeOf(details.mode),
    approvals: 0,
    expires_at,
    salt: "",
  };
  return {
    plan: freezePlan(plan),
    notes: {
      summary: actions.length > 0 ? `${actions.join("; ")} (${NOT_KEPT})` : NOT_KEPT,
      defaults: [],
      steps: steps.map(() => ({
        summary: "",
        reasons: [],
        privateReasons: [],
        openPreview: false,
      })),
    },
  };
}

const NOT_KEPT = "the plan is not kept; the audit log tells of it";

function modeOf(value: unknown): ConfirmationMode {
  return CONFIRMATION_MODES.find((mode) => mode === value) ?? "approver";
}
