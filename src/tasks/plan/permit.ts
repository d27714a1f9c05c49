import type { Capability, CapabilityRegistry } from "../../capabilities/capability.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Policy } from "../../contract/policy.ts";
import type { Principal } from "../../contract/principal.ts";
import type { Parameters } from "../../contract/task.ts";
import { decide } from "../../policy/decide.ts";
import type { Permission, RiskFactor } from "../../policy/decision.ts";

/** Throws where the action may not be done at all, whatever its parameters. */
export function refuseDisabled(policy: Policy, principal: Principal, capability: Capability): void {
  const decision = decide(policy, principal, {
    action: capability.action,
    risk: capability.risk,
    facts: {},
    riskFactors: [],
  });
  if (decision.effect === "deny" && EARLY_DENIALS.has(decision.code)) {
    throw new GatewayError(decision.code, decision.detail, decision.extras);
  }
}

const EARLY_DENIALS: ReadonlySet<string> = new Set([
  "capability_unknown",
  "capability_disabled",
  "scope_missing",
]);

/** How the action may be done. Throws the denials of the policy. */
export function permit(
  policy: Policy,
  principal: Principal,
  capability: Capability,
  parameters: Parameters,
  riskFactors: readonly RiskFactor[],
): Permission {
  const decision = decide(policy, principal, {
    action: capability.action,
    risk: capability.risk,
    facts: capability.facts(parameters),
    riskFactors,
  });
  if (decision.effect === "allow") return decision;
  throw new GatewayError(decision.code, decision.detail, decision.extras);
}

/** Whether this key may read, without a person, what planning the action looks at. */
export function canInspect(
  policy: Policy,
  principal: Principal,
  registry: CapabilityRegistry,
  capability: Capability,
  parameters: Parameters,
): boolean {
  if (capability.readsWith === undefined) return true;
  const read = registry.get(capability.readsWith);
  if (read === undefined || !principal.scopes.has("execute")) return false;
  const { path } = capability.facts(parameters);
  const decision = decide(policy, principal, {
    action: read.action,
    risk: read.risk,
    facts: path === undefined ? {} : { path },
    riskFactors: [],
  });
  return decision.effect === "allow" && decision.mode !== "approver";
}
