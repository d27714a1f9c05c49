import { GatewayError } from "../../contract/errors.ts";
import type { GrantRequest } from "../../contract/grant.ts";
import type { Principal } from "../../contract/principal.ts";
import { randomId } from "../../lib/random-id.ts";
import { findDecisionDenial } from "../desktops.ts";
import type { Task } from "../task.ts";
import type { Grant, GrantScope } from "./grant.ts";
import { isInScope, readDomain, readPrefix } from "./grant-scope.ts";
import { type GrantableDeps, isAllowedScope, kindOf } from "./grantable.ts";

const MINUTE_MS = 60_000;

/**
 * The grant that an approver asks for on a plan that waits. Throws `invalid_request` where the plan
 * or the scope is not one, `scope_missing` where it is not this approver's to decide.
 */
export function readGrant(
  deps: GrantableDeps,
  principal: Principal,
  task: Task,
  request: GrantRequest,
): Grant {
  const { plan } = task;
  const denial = findDecisionDenial(plan.desktop, principal);
  if (denial !== undefined) throw denial;
  if (principal.keyId === plan.requester || !principal.scopes.has("confirm")) {
    throw new GatewayError("scope_missing", `Key ${principal.keyId} may allow nothing.`, {
      hint: "Who plans cannot approve: an approver gives grants.",
    });
  }
  const policy = deps.policy();
  const kind = kindOf(deps, plan, task.notes);
  if ("problem" in kind) throw notGrantable(kind.problem);
  const longest = policy.grants.max_minutes;
  if (request.minutes > longest) {
    throw new GatewayError("invalid_request", `/minutes is over ${longest}.`, {
      hint: "confirmation.grants.max_minutes in config/policy.json bounds how long a grant holds.",
    });
  }
  const scope = readScope(request, kind.covers === "page");
  if (!isAllowedScope(policy, kind.action, scope)) {
    throw wrongScope("/path_prefix reaches further than policy allows this action at all.");
  }
  if (!kind.facts.every((facts) => isInScope(scope, facts))) {
    throw wrongScope("It does not cover the plan it is given on.");
  }
  const now = Date.now();
  return {
    id: `grant_${randomId()}`,
    key_id: plan.requester,
    desktop: plan.desktop,
    action: kind.action,
    scope,
    risk: kind.risk,
    granted_by: principal.keyId,
    on_task: task.id,
    created_at: new Date(now).toISOString(),
    expires_at: new Date(now + request.minutes * MINUTE_MS).toISOString(),
    used: 0,
  };
}

function readScope({ path_prefix, domain }: GrantRequest, isPage: boolean): GrantScope {
  const text = isPage ? domain : path_prefix;
  const other = isPage ? path_prefix : domain;
  if (text === undefined || other !== undefined) {
    throw wrongScope(
      isPage
        ? "A grant for pages has a domain, and no path_prefix."
        : "A grant for files has a path_prefix, and no domain.",
    );
  }
  const scope = isPage ? readDomain(text) : readPrefix(text);
  if ("problem" in scope) throw wrongScope(`${scope.problem}.`);
  return scope;
}

function wrongScope(detail: string): GatewayError {
  return new GatewayError("invalid_request", detail, {
    hint: "The task's `grantable` has what is proposed.",
  });
}

function notGrantable(problem: string): GatewayError {
  return new GatewayError(
    "invalid_request",
    `This kind of plan cannot be allowed beforehand: ${problem}.`,
    { hint: "Decide on it with POST /confirm; only a plan with `grantable` may be allowed so." },
  );
}
