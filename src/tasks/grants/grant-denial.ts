import { type Policy, RISK_LEVELS } from "../../contract/policy.ts";
import type { Principal } from "../../contract/principal.ts";
import { needsStepUp } from "../../policy/needs-step-up.ts";
import { findDecisionDenial } from "../desktops.ts";
import type { Grant } from "./grant.ts";
import { configuredRisk, type GrantableDeps, isAllowedScope } from "./grantable.ts";

export interface GrantDenialDeps extends GrantableDeps {
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

const MINUTE_MS = 60_000;

/**
 * Why a grant holds no longer, or undefined: its time, its two keys, and a policy that has not
 * become stricter in what it is about.
 */
export function findGrantDenial(
  deps: GrantDenialDeps,
  grant: Grant,
  now = Date.now(),
): string | undefined {
  return DENIALS.find(({ applies }) => applies({ deps, policy: deps.policy(), grant, now }))?.why;
}

interface Look {
  readonly deps: GrantDenialDeps;
  readonly policy: Policy;
  readonly grant: Grant;
  readonly now: number;
}

const DENIALS: readonly { readonly applies: (look: Look) => boolean; readonly why: string }[] = [
  {
    applies: ({ grant, now }) => Date.parse(grant.expires_at) <= now,
    why: "its time is over",
  },
  {
    applies: ({ deps, grant }) => {
      const granter = deps.findPrincipal(grant.granted_by);
      if (granter?.scopes.has("confirm") !== true) return true;
      return findDecisionDenial(grant.desktop, granter) !== undefined;
    },
    why: "who gave it may no longer decide",
  },
  {
    applies: ({ deps, grant }) => deps.findPrincipal(grant.key_id)?.scopes.has("execute") !== true,
    why: "the key it covers may no longer execute",
  },
  {
    applies: ({ policy }) => !policy.grants.enabled,
    why: "policy allows no grants any more",
  },
  {
    applies: ({ policy, grant }) =>
      Date.parse(grant.expires_at) - Date.parse(grant.created_at) >
      policy.grants.max_minutes * MINUTE_MS,
    why: "policy allows grants for a shorter time only",
  },
  {
    applies: ({ policy, grant }) => policy.capabilities[grant.action]?.enabled !== true,
    why: "policy has disabled its action",
  },
  {
    applies: ({ deps, policy, grant }) => {
      const own = deps.capabilities.get(grant.action)?.risk ?? "high";
      const risk = configuredRisk(policy, grant.action, own);
      return RISK_LEVELS.indexOf(risk) > RISK_LEVELS.indexOf(grant.risk) || risk === "high";
    },
    why: "policy gives its action a higher risk",
  },
  {
    applies: ({ policy, grant }) =>
      (policy.capabilities[grant.action]?.approvals ?? policy.approvals[grant.risk]) > 1,
    why: "policy asks for two approvers",
  },
  {
    applies: ({ policy, grant }) => needsStepUp(policy, grant.risk),
    why: "policy asks for a touch of a passkey",
  },
  {
    applies: ({ policy, grant }) => !isAllowedScope(policy, grant.action, grant.scope),
    why: "policy no longer allows all of what it covers",
  },
];
