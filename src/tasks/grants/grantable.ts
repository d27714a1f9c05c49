import type { CapabilityRegistry, GrantCover } from "../../capabilities/capability.ts";
import type { Policy, RiskLevel } from "../../contract/policy.ts";
import type { Grantable } from "../../contract/task.ts";
import { parentPath } from "../../lib/posix-path.ts";
import type { Facts } from "../../policy/decision.ts";
import { needsStepUp } from "../../policy/needs-step-up.ts";
import { matchPath } from "../../policy/path-rule.ts";
import { parseWebUrl } from "../../policy/web-url.ts";
import type { Plan, PlanNotes } from "../task.ts";
import type { GrantScope } from "./grant.ts";
import { isInScope, readPrefix } from "./grant-scope.ts";

export interface GrantableDeps {
  readonly capabilities: CapabilityRegistry;
  readonly policy: () => Policy;
}

/** The one kind of thing that a plan does, where that may be allowed beforehand. */
export interface Kind {
  readonly action: string;
  readonly covers: GrantCover;
  /** The action's configured level. */
  readonly risk: RiskLevel;
  /** Of each step. */
  readonly facts: readonly Facts[];
}

/**
 * What a plan does, or why no grant may stand in for the person who decides on it: only files and
 * pages, one action throughout, at no more than that action's configured level.
 */
export function kindOf(
  { capabilities, policy }: GrantableDeps,
  plan: Plan,
  notes: PlanNotes,
): Kind | { readonly problem: string } {
  const rules = policy();
  if (!rules.grants.enabled) return { problem: "policy has confirmation.grants.enabled false" };
  if (plan.mode !== "approver") return { problem: "the plan waits for no approver" };
  if (needsStepUp(rules, plan.risk)) return { problem: "policy asks for a touch of a passkey" };
  if (plan.approvals !== 1) return { problem: "policy asks for two approvers" };
  const action = plan.steps[0]?.action ?? "";
  const capability = capabilities.get(action);
  if (capability === undefined) return { problem: "its action is not known any more" };
  const covers = capability.grantCovers;
  if (covers === undefined) return { problem: "its action is always asked for" };
  if (plan.steps.some((step) => step.action !== action)) {
    return { problem: "the plan has steps of several kinds" };
  }
  const risk = configuredRisk(rules, action, capability.risk);
  const isRaised = plan.steps.some(
    (step, index) => step.risk !== risk || notes.steps[index]?.privateReasons.length !== 0,
  );
  if (isRaised) return { problem: "something raised its risk" };
  if (risk === "high") return { problem: "its risk is high" };
  return {
    action,
    covers,
    risk,
    facts: plan.steps.map(({ parameters }) => capability.facts(parameters)),
  };
}

/** The level that policy gives an action, before anything raises it. */
export function configuredRisk(policy: Policy, action: string, own: RiskLevel): RiskLevel {
  return policy.capabilities[action]?.risk_level ?? own;
}

/** What an approver is offered to allow for a while; undefined where nothing may be. */
export function proposeGrant(
  deps: GrantableDeps,
  plan: Plan,
  notes: PlanNotes,
): Grantable | undefined {
  const policy = deps.policy();
  const kind = kindOf(deps, plan, notes);
  const scope = "problem" in kind ? undefined : proposedScope(policy, kind);
  if ("problem" in kind || scope === undefined) return undefined;
  return { action: kind.action, ...scope, max_minutes: policy.grants.max_minutes };
}

/** The narrowest useful scope that covers the plan and that policy allows as a whole. */
function proposedScope(policy: Policy, kind: Kind): GrantScope | undefined {
  const [first] = kind.facts;
  if (first?.url !== undefined) {
    const page = parseWebUrl(first.url);
    return "problem" in page ? undefined : covering({ domain: page.host }, kind);
  }
  if (first?.path === undefined) return undefined;
  // Up from the folder the first file lies in, and the file itself where that reaches too far.
  for (const text of [...foldersOf(first.path, kind.covers), first.path]) {
    const scope = readPrefix(text);
    if ("problem" in scope || !isAllowedScope(policy, kind.action, scope)) continue;
    const found = covering(scope, kind);
    if (found !== undefined) return found;
  }
  return undefined;
}

function* foldersOf(path: string, covers: GrantCover): Generator<string> {
  let folder = covers === "folder" ? path : parentPath(path);
  for (; folder !== "/"; folder = parentPath(folder)) yield folder;
}

/** Whether policy allows all of a folder; pages are asked about one by one. */
export function isAllowedScope(policy: Policy, action: string, scope: GrantScope): boolean {
  if (scope.path_prefix === undefined) return true;
  const rules = policy.capabilities[action]?.allowed_paths ?? [];
  return "rule" in matchPath(scope.path_prefix, rules);
}

function covering(scope: GrantScope, { facts }: Kind): GrantScope | undefined {
  return facts.every((fact) => isInScope(scope, fact)) ? scope : undefined;
}
