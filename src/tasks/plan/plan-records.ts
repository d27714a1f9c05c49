import type { CapabilityRegistry } from "../../capabilities/capability.ts";
import { auditParameters } from "../audit-details.ts";
import { freezePlan } from "../stored-plan.ts";
import type { Task } from "../task.ts";
import type { NewTask, Records } from "../task-store.ts";
import type { Planned } from "./planner.ts";

/** A plan as the store takes it in. */
export function newTask({ plan, canonicalPlan, digest, notesText }: Planned, now: string): NewTask {
  return {
    id: plan.task_id,
    requester: plan.requester,
    created_at: now,
    expires_at: plan.expires_at,
    canonicalPlan,
    digest,
    notes: notesText,
    state: {
      status: "planned",
      executed: false,
      approvals: [],
      progress: 0,
      result: null,
      error: null,
    },
  };
}

/** A task that has just been stored, without its place in the store. */
export function plannedTask({ plan, notes, digest }: Planned, { state, ...task }: NewTask): Task {
  const { id, requester, created_at } = task;
  const place = { seq: 0, revision: 0 };
  return { ...place, id, requester, created_at, plan: freezePlan(plan), digest, notes, state };
}

/** What is recorded of a new plan: the event for its owner, the audit record with digests of content. */
export function planRecords(
  { plan, digest, notes }: Planned,
  now: string,
  capabilities: CapabilityRegistry,
  policyDigest: string,
): Records {
  return {
    events: [
      {
        event: "task_planned",
        task_id: plan.task_id,
        owner: plan.requester,
        timestamp: now,
        data: {
          plan_summary: notes.summary,
          estimated_risk: plan.risk,
          requires_confirmation: plan.mode !== "none",
        },
      },
    ],
    audit: [
      {
        type: "task.planned",
        key_id: plan.requester,
        time: now,
        task_id: plan.task_id,
        details: {
          plan_digest: digest,
          policy_digest: policyDigest,
          ...(plan.title !== undefined && { title: plan.title }),
          ...(notes.requested_by !== undefined && { requested_by: notes.requested_by }),
          desktop: plan.desktop,
          risk: plan.risk,
          mode: plan.mode,
          steps: plan.steps.map(({ action, parameters }) => ({
            action,
            parameters: auditParameters(capabilities.get(action), parameters),
          })),
        },
      },
    ],
  };
}
