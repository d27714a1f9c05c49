import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type { CapabilitiesView, CapabilityView } from "../contract/service.ts";
import type { Capability, CapabilityRegistry } from "./capability.ts";

/** A desktop the caller may use: whether it can perform an action, and if not why. */
export interface ViewedDesktop {
  readonly name: string;
  availability(
    action: string,
  ):
    | { readonly available: true }
    | { readonly available: false; readonly reason: string; readonly hint: string };
}

/** What may be done at this moment; a principal also learns how, and within which limits. */
export function viewCapabilities(
  registry: CapabilityRegistry,
  policy: Policy,
  desktops: readonly ViewedDesktop[],
  principal: Principal | undefined,
): CapabilitiesView {
  const views = [...registry.values()].map((capability) => [
    capability.action,
    viewCapability(capability, policy, desktops, principal),
  ]);
  return { capabilities: Object.fromEntries(views) as Record<string, CapabilityView> };
}

function viewCapability(
  capability: Capability,
  policy: Policy,
  desktops: readonly ViewedDesktop[],
  principal: Principal | undefined,
): CapabilityView {
  const rules = policy.capabilities[capability.action];
  const reason = denial(capability, policy, desktops, principal);
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
    desktops: desktops
      .filter(({ availability }) => availability(capability.action).available)
      .map(({ name }) => name),
  };
}

function denial(
  { action }: Capability,
  policy: Policy,
  desktops: readonly ViewedDesktop[],
  principal: Principal | undefined,
): string | undefined {
  if (policy.capabilities[action]?.enabled !== true) {
    return `capabilities[${JSON.stringify(action)}].enabled is not true in the policy`;
  }
  if (principal?.capabilities?.has(action) === false) {
    return `key ${principal.keyId} may not use it`;
  }
  const answers = desktops.map(({ availability }) => availability(action));
  if (answers.some(({ available }) => available)) return undefined;
  const [first] = answers.filter((answer) => !answer.available);
  return first === undefined ? "no desktop is this key's" : `${first.reason}. ${first.hint}`;
}
