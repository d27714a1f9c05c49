import { GatewayError } from "../../contract/errors.ts";
import type { Principal } from "../../contract/principal.ts";
import type { Plan } from "../task.ts";

/**
 * Why the person in front of a requester's own card or dialog may not decide there, or undefined
 * where they may. Who plans cannot approve (I4): the one exception is the operator's explicit mark,
 * never above medium risk and never as one of two approvers.
 */
export function findSurfaceDenial(principal: Principal, plan: Plan): string | undefined {
  return RULES.find(({ applies }) => applies(principal, plan))?.denial;
}

export function notDecidedHere({ keyId }: Principal, denial: string): GatewayError {
  return new GatewayError("scope_missing", `Key ${keyId} may not decide on this plan. ${denial}`, {
    hint: "An approver decides at the plan's confirmation.url, with a key of their own.",
  });
}

const RULES: readonly {
  readonly applies: (principal: Principal, plan: Plan) => boolean;
  readonly denial: string;
}[] = [
  {
    applies: (principal, plan) => plan.requester !== principal.keyId,
    denial: "The plan is another key's.",
  },
  {
    applies: ({ trustedApprovalSurface }) => !trustedApprovalSurface,
    denial: "The operator has not marked the key that planned it as a trusted approval surface.",
  },
  {
    applies: (_, { mode }) => mode !== "approver",
    denial: "It waits for no approver.",
  },
  {
    applies: (_, { risk }) => risk !== "low" && risk !== "medium",
    denial: "Its risk is high.",
  },
  {
    applies: (_, { approvals }) => approvals > 1,
    denial: "Policy asks for two approvers.",
  },
];
