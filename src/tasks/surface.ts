import { GatewayError } from "../contract/errors.ts";
import type { Principal } from "../contract/principal.ts";
import type { Plan } from "./task.ts";

/**
 * Why the person in front of a requester's own card or dialog may not decide there, or undefined
 * where they may. Who plans cannot approve (I4): the one exception is the operator's explicit mark,
 * never above medium risk and never as one of two approvers.
 */
export function findSurfaceObstacle(principal: Principal, plan: Plan): string | undefined {
  return RULES.find(({ applies }) => applies(principal, plan))?.obstacle;
}

export function notDecidedHere({ keyId }: Principal, obstacle: string): GatewayError {
  return new GatewayError(
    "scope_missing",
    `Key ${keyId} may not decide on this plan. ${obstacle}`,
    {
      hint: "An approver decides at the plan's confirmation.url, with a key of their own.",
    },
  );
}

const RULES: readonly {
  readonly applies: (principal: Principal, plan: Plan) => boolean;
  readonly obstacle: string;
}[] = [
  {
    applies: (principal, plan) => plan.requester !== principal.keyId,
    obstacle: "The plan is another key's.",
  },
  {
    applies: ({ trustedApprovalSurface }) => !trustedApprovalSurface,
    obstacle: "The operator has not marked the key that planned it as a trusted approval surface.",
  },
  {
    applies: (_, { mode }) => mode !== "approver",
    obstacle: "It waits for no approver.",
  },
  {
    applies: (_, { risk }) => risk !== "low" && risk !== "medium",
    obstacle: "Its risk is high.",
  },
  {
    applies: (_, { approvals }) => approvals > 1,
    obstacle: "Policy asks for two approvers.",
  },
];
