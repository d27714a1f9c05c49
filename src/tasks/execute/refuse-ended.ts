import { GatewayError } from "../../contract/errors.ts";
import { planExpired } from "../approve/confirmation.ts";
import { shownProposal } from "../approve/proposal.ts";
import type { Task } from "../task.ts";

/** A task that ended without running, or because it was corrupted, says so as an error. */
export function refuseEnded({ id, state }: Task): void {
  const { status, rejection, error } = state;
  if (error?.code === "plan_corrupted") {
    const { hint } = error;
    throw new GatewayError(error.code, error.detail, hint === undefined ? {} : { hint });
  }
  if (status === "rejected") {
    throw new GatewayError("task_rejected", "An approver rejected this task.", {
      hint:
        rejection?.proposal === undefined
          ? "GET /tasks/{id} has the reason; plan something else."
          : "The approver proposes another plan: it is a body for POST /plan, if it serves.",
      ...shownProposal(id, rejection?.proposal),
    });
  }
  if (status === "cancelled") {
    throw new GatewayError("task_cancelled", "This task was cancelled.", {
      hint: "Plan it again to run it.",
    });
  }
  if (status === "expired") throw planExpired();
}
