import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type { Parameters } from "../contract/task.ts";
import type { Proposal, RiskFactor } from "../policy/decision.ts";
import { type Explanation, explain } from "../policy/explain.ts";
import type { Capability } from "./capability.ts";

/** What a step puts before the policy. `seen`: reasons to raise its risk that the desktop gave. */
export function proposeStep(
  capability: Capability,
  parameters: Parameters,
  seen: readonly RiskFactor[] = [],
): Proposal {
  return {
    action: capability.action,
    risk: capability.risk,
    facts: capability.facts(parameters),
    riskFactors: [...capability.riskFactors(parameters), ...seen],
  };
}

/**
 * How policy comes to its decision on a step as it is asked for: parameters checked and normalised.
 * What depends on the desktop is not looked at. Throws GatewayError where they ask for more than the
 * policy can complete.
 */
export function explainStep(
  policy: Policy,
  principal: Principal,
  capability: Capability,
  asked: Parameters,
): Explanation {
  const rules = policy.capabilities[capability.action];
  const parameters = rules?.enabled === true ? capability.applyPolicyDefaults(asked, rules) : asked;
  return explain(policy, principal, proposeStep(capability, parameters));
}
