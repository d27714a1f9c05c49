import type { CapabilityRegistry } from "../../capabilities/capability.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Principal } from "../../contract/principal.ts";
import type { ConfirmRequest } from "../../contract/requests.ts";
import type { ApprovalView, Surface, TaskStatus } from "../../contract/task.ts";
import type { Task } from "../task.ts";
import type { Change } from "../task-repository.ts";
import { auditProposal, shownProposal } from "./proposal.ts";

/** How a decision came about. */
interface Circumstances {
  readonly capabilities: CapabilityRegistry;
  readonly handsOf: (keyId: string) => ReadonlySet<string>;
  /** Where it was made with the requester's own key. */
  readonly surface?: Surface | undefined;
  /** Proof of a fresh touch of the approver's passkey. */
  readonly touch?: object | undefined;
}

/** What an approver's decision changes. Throws `digest_mismatch`, `already_decided`, `same_approver`. */
export function applyDecision(
  task: Task,
  principal: Principal,
  request: ConfirmRequest,
  { capabilities, handsOf, surface, touch }: Circumstances,
): Change {
  if (request.plan_digest !== task.digest) {
    throw new GatewayError("digest_mismatch", "The digest is not that of this task's plan.", {
      hint: "Read the task again and decide on what it shows.",
    });
  }
  refuseDecided(task.state.status);
  const claimed = request.on_behalf_of === undefined ? {} : { on_behalf_of: request.on_behalf_of };
  const reason = request.reason === undefined ? {} : { reason: request.reason };
  const via = surface === undefined ? {} : { via: surface };
  const details = { plan_digest: task.digest, ...via, ...claimed, ...reason };
  const at = new Date().toISOString();
  if (request.decision === "reject") {
    const { proposal } = request;
    const proposed = proposal === undefined ? {} : { proposal };
    const kept = proposal && { proposal: auditProposal(capabilities, proposal) };
    return {
      transitions: ["rejected"],
      state: { rejection: { key_id: principal.keyId, at, ...claimed, ...reason, ...proposed } },
      data: { ...reason, ...shownProposal(task.id, proposal) },
      keyId: principal.keyId,
      audit: [{ type: "task.rejected", details: { ...details, ...kept } }],
    };
  }
  const own = handsOf(principal.keyId);
  for (const { key_id } of task.state.approvals) {
    const [shared] = own.intersection(handsOf(key_id));
    if (shared !== undefined) throw sameApprover(principal.keyId, key_id, shared);
  }
  const approval: ApprovalView = {
    key_id: principal.keyId,
    ...via,
    ...claimed,
    ...(touch !== undefined && { touched: true as const }),
    at,
    plan_digest: task.digest,
  };
  const approvals = [...task.state.approvals, approval];
  const enough = approvals.length >= task.plan.approvals;
  return {
    transitions: enough ? (task.state.executed ? ["ready", "queued"] : ["ready"]) : [],
    state: { approvals },
    events: [
      {
        event: "task_confirmed",
        data: { approvals: approvals.length, approvals_required: task.plan.approvals },
      },
    ],
    keyId: principal.keyId,
    audit: [
      {
        type: "task.confirmed",
        details: {
          ...details,
          ...(touch !== undefined && { assertion: touch }),
          approvals: approvals.length,
        },
      },
    ],
  };
}

function sameApprover(keyId: string, earlier: string, shared: string): GatewayError {
  if (keyId === earlier) {
    return new GatewayError("same_approver", `Key ${keyId} has approved this task already.`, {
      hint: "Policy asks for two approvals: the second is another approver's, with a key of its own.",
    });
  }
  return new GatewayError(
    "same_approver",
    `${earlier} has approved this task already, and may be the same person as ${keyId}: ${shared} has seen what lets both of them in (a key's secret or a one-time link).`,
    {
      hint: "Another approver decides. Or somebody who is surely another person vouches for one of the two: an operator under Admin > People, or `people vouch ID` on the host.",
    },
  );
}

const OPEN: ReadonlySet<TaskStatus> = new Set(["planned", "awaiting_confirmation"]);

function refuseDecided(status: TaskStatus): void {
  if (OPEN.has(status)) return;
  if (status === "expired") throw planExpired();
  throw new GatewayError("already_decided", `The task is ${status} and cannot be decided again.`, {
    hint: "An approval is given and used once; plan again for another run.",
  });
}

export function planExpired(): GatewayError {
  return new GatewayError("plan_expired", "The plan expired before it ran.", {
    hint: "Plan it again; security.plan_ttl_s in config/policy.json bounds how long a plan holds.",
  });
}
