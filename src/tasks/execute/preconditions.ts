import type { CapabilityRegistry } from "../../capabilities/capability.ts";
import { GatewayError } from "../../contract/errors.ts";
import { PERSON_PREFIX } from "../../contract/people.ts";
import type { Policy } from "../../contract/policy.ts";
import type { Principal, Scope } from "../../contract/principal.ts";
import { decide } from "../../policy/decide.ts";
import { needsStepUp } from "../../policy/needs-step-up.ts";
import { isStricter } from "../../policy/strictness.ts";
import { findSurfaceDenial } from "../approve/surface.ts";
import { type Desktops, findDenial } from "../desktops.ts";
import type { Plan, Task } from "../task.ts";

export interface PreconditionDeps {
  readonly capabilities: CapabilityRegistry;
  readonly desktops: Desktops;
  readonly policy: () => Policy;
  /** The principal of a key that is alive. */
  readonly findPrincipal: (keyId: string) => Principal | undefined;
  readonly stopped: () => boolean;
  /** Why a grant's approval holds no longer; undefined where it does. */
  readonly findGrantDenial: (grantId: string) => string | undefined;
}

/**
 * Why a step may not start now, although its plan was allowed and approved: an approval holds for
 * its minutes, keys and policy only. Undefined where it may.
 */
export function findStartDenial(
  deps: PreconditionDeps,
  task: Task,
  index: number,
): GatewayError | undefined {
  const { plan } = task;
  const revocation = findRevocation(deps, task);
  if (revocation !== undefined) return revocation;
  if (Date.parse(plan.expires_at) <= Date.now()) {
    return new GatewayError("plan_expired", `The plan expired at ${plan.expires_at}.`, {
      hint: "Plan it again; security.plan_ttl_s in config/policy.json bounds how long a plan holds.",
    });
  }
  return findPolicyDenial(deps, task, index);
}

/**
 * What a person can take back at any moment, or undefined: work altogether, or the rights of a key
 * that the task stands on. Asked once more when the intent is recorded, which may have taken long.
 */
export function findRevocation(deps: PreconditionDeps, task: Task): GatewayError | undefined {
  const { plan } = task;
  if (deps.stopped()) {
    return new GatewayError("stopped", "The gateway is stopped.", {
      hint: "An approver resumes it with POST /resume.",
    });
  }
  const has = (keyId: string, scope: Scope) =>
    deps.findPrincipal(keyId)?.scopes.has(scope) === true;
  const { approvals } = task.state;
  const lapsed = approvals.find(({ key_id, via }) =>
    via === undefined || via === "grant"
      ? !has(key_id, "confirm")
      : !mayDecide(deps.findPrincipal(key_id), plan),
  );
  const revoked = has(plan.requester, "execute") ? lapsed?.key_id : plan.requester;
  if (revoked === undefined) return findLapsedGrant(deps, task);
  return new GatewayError("task_cancelled", `Key ${revoked} is no longer valid for this task.`, {
    hint: "A revoked key ends what it planned and voids what it approved.",
  });
}

function findLapsedGrant(deps: PreconditionDeps, { state }: Task): GatewayError | undefined {
  for (const { grant_id: id } of state.approvals) {
    const denial = id === undefined ? undefined : deps.findGrantDenial(id);
    if (denial === undefined) continue;
    return new GatewayError(
      "task_cancelled",
      `The grant ${id} that approved this task no longer holds: ${denial}.`,
      { hint: "Plan it again; an approver decides on it then." },
    );
  }
  return undefined;
}

/** An approval of the requester's own surface holds as long as the operator trusts that surface. */
function mayDecide(principal: Principal | undefined, plan: Plan): boolean {
  return principal !== undefined && findSurfaceDenial(principal, plan) === undefined;
}

/**
 * What of all this has lapsed while the step runs, or undefined: asked before each thing that a step
 * does by itself. A plan that has begun does not expire.
 */
export function findRunDenial(
  deps: PreconditionDeps,
  task: Task,
  index: number,
): GatewayError | undefined {
  return findRevocation(deps, task) ?? findPolicyDenial(deps, task, index);
}

function findPolicyDenial(
  deps: PreconditionDeps,
  task: Task,
  index: number,
): GatewayError | undefined {
  const { plan } = task;
  const principal = deps.findPrincipal(plan.requester);
  const step = plan.steps[index];
  const capability = step && deps.capabilities.get(step.action);
  if (step === undefined || capability === undefined || principal === undefined) {
    return new GatewayError("capability_unknown", "The step's action is not known any more.", {
      hint: "The gateway was changed since; GET /capabilities lists what there is.",
    });
  }
  const desktop = deps.desktops.get(plan.desktop);
  if (desktop === undefined) {
    return new GatewayError("state_changed", `Desktop ${plan.desktop} is not known any more.`, {
      hint: "The configuration was changed since; plan it again on another desktop.",
    });
  }
  const refused = findDenial(desktop, principal);
  if (refused !== undefined) return refused;
  // The level planned with already holds every reason to raise it; the request's own are asked anew.
  const untouched = findUntouched(deps.policy(), task);
  if (untouched !== undefined) return untouched;
  const decision = decide(deps.policy(), principal, {
    action: step.action,
    risk: capability.risk,
    facts: capability.facts(step.parameters),
    riskFactors: capability.riskFactors(step.parameters),
  });
  if (decision.effect === "deny") {
    return new GatewayError(decision.code, decision.detail, decision.extras);
  }
  const reason = isStricter(
    { risk: step.risk, mode: plan.mode, approvals: plan.approvals },
    decision,
  );
  if (reason === undefined) return undefined;
  return new GatewayError("state_changed", `The policy became stricter since: ${reason}.`, {
    hint: "Plan it again, so that it is decided under the present policy.",
  });
}

/** A person's approval without a touch, where policy by now asks for one. */
function findUntouched(policy: Policy, task: Task): GatewayError | undefined {
  if (!needsStepUp(policy, task.plan.risk)) return undefined;
  const untouched = task.state.approvals.some(
    ({ key_id, touched }) => key_id.startsWith(PERSON_PREFIX) && touched === undefined,
  );
  if (!untouched) return undefined;
  return new GatewayError(
    "state_changed",
    "The policy became stricter since: it now asks for a fresh touch of the approver's passkey (confirmation.passkey).",
    { hint: "Plan it again, so that it is decided under the present policy." },
  );
}
