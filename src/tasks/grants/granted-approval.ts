import type { ApprovalView } from "../../contract/task.ts";
import type { Task } from "../task.ts";
import type { Change } from "../task-repository.ts";
import type { Grant } from "./grant.ts";

/** A task as it is once a grant has approved it; nothing is written of it yet. */
export interface GrantedApproval {
  readonly grantId: string;
  readonly task: Task;
  readonly approval: ApprovalView;
}

/** Its granter's approval, given beforehand. */
export function approveByGrant(task: Task, { id, granted_by }: Grant): GrantedApproval {
  const approval: ApprovalView = {
    key_id: granted_by,
    via: "grant",
    grant_id: id,
    at: new Date().toISOString(),
    plan_digest: task.digest,
  };
  const approvals = [...task.state.approvals, approval];
  return { grantId: id, task: { ...task, state: { ...task.state, approvals } }, approval };
}

/** A change with the approval as part of it: both are committed, or neither. */
export function approvedBy(granted: GrantedApproval | undefined, change: Change): Change {
  if (granted === undefined) return change;
  const { approval, task, grantId } = granted;
  const { approvals } = task.state;
  return {
    ...change,
    grantId,
    state: { ...change.state, approvals },
    events: [
      {
        event: "task_confirmed",
        data: {
          approvals: approvals.length,
          approvals_required: approvals.length,
          via: "grant",
          grant_id: grantId,
        },
      },
      ...(change.events ?? []),
    ],
    audit: [
      {
        type: "task.confirmed",
        keyId: approval.key_id,
        details: {
          plan_digest: task.digest,
          via: "grant",
          grant_id: grantId,
          approvals: approvals.length,
        },
      },
      ...change.audit,
    ],
  };
}
