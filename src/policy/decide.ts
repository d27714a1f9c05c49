import {
  CONFIRMATION_MODES,
  type ConfirmationMode,
  type Policy,
  RISK_LEVELS,
  type RiskLevel,
} from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { NOT_LISTED } from "./build-policy.ts";
import { CHECKS, type CheckInput, ruleName } from "./checks.ts";
import type { Decision, Permission, Proposal } from "./decision.ts";

/** What policy says to an action: the first check that denies, or who must confirm it. Never throws. */
export function decide(policy: Policy, principal: Principal, proposal: Proposal): Decision {
  const input = checkInput(policy, principal, proposal);
  for (const check of CHECKS) {
    const verdict = check.run(input);
    if (verdict.outcome === "denied") return verdict.denial;
  }
  return permit(input);
}

export function checkInput(policy: Policy, principal: Principal, proposal: Proposal): CheckInput {
  const listed = Object.hasOwn(policy.capabilities, proposal.action)
    ? policy.capabilities[proposal.action]
    : undefined;
  return { policy, principal, proposal, capability: listed ?? NOT_LISTED };
}

/** The higher of two risks. */
export function higherRisk(a: RiskLevel, b: RiskLevel): RiskLevel {
  return RISK_LEVELS.indexOf(a) >= RISK_LEVELS.indexOf(b) ? a : b;
}

/** The mode that asks more: none, client, approver. */
export function stricterMode(a: ConfirmationMode, b: ConfirmationMode): ConfirmationMode {
  return CONFIRMATION_MODES.indexOf(a) >= CONFIRMATION_MODES.indexOf(b) ? a : b;
}

/** Who must confirm an allowed action. */
export function permit({ policy, proposal, capability }: CheckInput): Permission {
  const base = capability.risk_level ?? proposal.risk;
  const reasons = [
    capability.risk_level === undefined
      ? `${base} risk: the level of ${proposal.action}`
      : `${base} risk: ${ruleName(proposal.action, "risk_level")}`,
  ];
  let level = RISK_LEVELS.indexOf(base);
  for (const { reason, by } of proposal.riskFactors) {
    level = by === "high" ? RISK_LEVELS.length - 1 : Math.min(level + 1, RISK_LEVELS.length - 1);
    reasons.push(`${RISK_LEVELS[level]} risk: ${reason}`);
  }
  const passedLevels = RISK_LEVELS.slice(RISK_LEVELS.indexOf(base), level + 1);
  const risk = RISK_LEVELS[level] ?? "high";
  const { mode, rule } = modeOf(proposal.action, capability.confirmation, passedLevels, policy);
  const approvals = Math.max(
    ...levelsToAsk(capability.approvals, passedLevels).map((passed) => policy.approvals[passed]),
    capability.approvals ?? 1,
  );
  reasons.push(`confirmation ${mode}: ${rule}`);
  return {
    effect: "allow",
    risk,
    reasons,
    mode,
    approvals: mode === "approver" ? approvals : 0,
    rule,
  };
}

/**
 * The mode an action's own setting gives, or the risk table's. A setting of the action speaks for
 * its configured level only: where the risk was raised above that, the table's word for the higher
 * levels counts too, and the strictest wins. So a raise never asks for less, not even with a table
 * that is laxer for a higher risk.
 */
function modeOf(
  action: string,
  own: ConfirmationMode | undefined,
  passedLevels: readonly RiskLevel[],
  policy: Policy,
): { mode: ConfirmationMode; rule: string } {
  const candidates = levelsToAsk(own, passedLevels).map((risk) => ({
    mode: policy.confirmation[risk],
    rule: `confirmation.${risk}`,
  }));
  if (own !== undefined) {
    candidates.unshift({ mode: own, rule: ruleName(action, "confirmation") });
  }
  return candidates.reduce((strictest, next) =>
    stricterMode(strictest.mode, next.mode) === strictest.mode ? strictest : next,
  );
}

/** Levels whose entry in the risk table counts: an own setting stands for the first of them. */
function levelsToAsk(own: unknown, passedLevels: readonly RiskLevel[]): readonly RiskLevel[] {
  return own === undefined ? passedLevels : passedLevels.slice(1);
}
