import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type { CapabilitiesView, CapabilityView } from "../contract/service.ts";
import type { Capability, CapabilityRegistry } from "./capability.ts";

/** Whether the driver can perform an action, and if not why. */
type FindAvailability = (
  action: string,
) =>
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly hint: string };

/** What may be done at this moment; a principal also learns how, and within which limits. */
export function viewCapabilities(
  registry: CapabilityRegistry,
  policy: Policy,
  availability: FindAvailability,
  principal: Principal | undefined,
): CapabilitiesView {
  const views = [...registry.values()].map((capability) => [
    capability.action,
    viewCapability(capability, policy, availability, principal),
  ]);
  return { capabilities: Object.fromEntries(views) as Record<string, CapabilityView> };
}

function viewCapability(
  capability: Capability,
  policy: Policy,
  availability: FindAvailability,
  principal: Principal | undefined,
): CapabilityView {
  const rules = policy.capabilities[capability.action];
  const reason = whyNot(capability, policy, availability, principal);
  const risk = rules?.risk_level ?? capability.risk;
  const view: CapabilityView = {
    enabled: reason === undefined,
    risk_level: risk,
    description: capability.description,
    ...(reason !== undefined && { reason }),
  };
  if (principal === undefined) return view;
  const { enabled: _, risk_level: __, confirmation, ...limits } = rules ?? { enabled: false };
  return {
    ...view,
    parameters: capability.parameters,
    confirmation: confirmation ?? policy.confirmation[risk],
    limits,
  };
}

function whyNot(
  { action }: Capability,
  policy: Policy,
  availability: FindAvailability,
  principal: Principal | undefined,
): string | undefined {
  if (policy.capabilities[action]?.enabled !== true) {
    return `capabilities[${JSON.stringify(action)}].enabled is not true in the policy`;
  }
  if (principal?.capabilities?.has(action) === false) {
    return `key ${principal.keyId} may not use it`;
  }
  const driver = availability(action);
  return driver.available ? undefined : `${driver.reason}. ${driver.hint}`;
}
