import type { CapabilityRegistry } from "../../capabilities/capability.ts";
import { auditParameters, digestOf } from "../audit-details.ts";
import type { Plan } from "../task.ts";
import type { Change } from "../task-repository.ts";

export type AuditEntry = Change["audit"][number];

/** The record of the intent, committed before the step's action leaves. */
export function intentOf(capabilities: CapabilityRegistry, plan: Plan, index: number): AuditEntry {
  const step = plan.steps[index];
  const action = step?.action ?? "";
  return {
    type: "step.started",
    details: {
      step: index,
      action,
      parameters: auditParameters(capabilities.get(action), step?.parameters ?? {}),
    },
  };
}

/** The record of a step that was carried out. */
export function finishedStep(
  plan: Plan,
  index: number,
  result: Record<string, unknown> | undefined,
): AuditEntry {
  return {
    type: "step.finished",
    details: {
      step: index,
      action: plan.steps[index]?.action ?? "",
      outcome: "completed",
      result_digest: digestOf(result ?? null),
    },
  };
}
