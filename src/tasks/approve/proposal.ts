import { isDeepStrictEqual } from "node:util";
import type { CapabilityRegistry } from "../../capabilities/capability.ts";
import { type ErrorExtras, GatewayError } from "../../contract/errors.ts";
import type { ConfirmRequest, PlanRequest } from "../../contract/requests.ts";
import { auditParameters } from "../audit-details.ts";
import { checkParameters, findCapability } from "../plan/step-check.ts";
import { stepsOf } from "../plan/steps-of.ts";

/** Characters of JSON that are repeated in events and answers. */
const MAX_REPEATED = 256 * 1024;

/**
 * Checks what an approver proposes instead of what is rejected, as far as the schemas go: policy
 * decides once its requester plans it. Throws `invalid_request`, `capability_unknown`.
 */
export function checkProposal(
  capabilities: CapabilityRegistry,
  { decision, proposal }: ConfirmRequest,
): void {
  if (proposal === undefined) return;
  if (decision !== "reject") {
    throw new GatewayError("invalid_request", "/proposal stands beside a rejection only.", {
      hint: "What is approved runs as it was planned: reject it and propose another plan.",
    });
  }
  for (const [index, { action, parameters = {} }] of stepsOf(proposal).entries()) {
    const place = proposal.steps === undefined ? "" : `/steps/${index}`;
    const pointer = `/proposal${place}/parameters`;
    const capability = findCapability(capabilities, action);
    const checked = checkParameters(capability, parameters, pointer);
    if (isDeepStrictEqual(capability.mask(checked), checked)) continue;
    throw new GatewayError("invalid_request", `${pointer} holds sensitive text.`, {
      hint: "The requester reads a proposal, and it is kept: say in the reason what should change.",
    });
  }
}

/** A proposal for the audit log: digests in place of content. */
export function auditProposal(
  capabilities: CapabilityRegistry,
  proposal: PlanRequest,
): Record<string, unknown> {
  const { title, desktop } = proposal;
  return {
    ...(title !== undefined && { title }),
    ...(desktop !== undefined && { desktop }),
    steps: stepsOf(proposal).map(({ action, parameters = {} }) => ({
      action,
      parameters: auditParameters(capabilities.get(action), parameters),
    })),
  };
}

/** How an event or an answer repeats a proposal: whole, or where a large one is to be had. */
export function shownProposal(
  taskId: string,
  proposal: PlanRequest | undefined,
): Pick<ErrorExtras, "proposal" | "proposal_url"> {
  if (proposal === undefined) return {};
  if (JSON.stringify(proposal).length <= MAX_REPEATED) return { proposal };
  return { proposal_url: `/tasks/${taskId}` };
}
