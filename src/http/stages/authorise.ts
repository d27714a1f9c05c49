import type { FastifyRequest } from "fastify";
import { GatewayError } from "../../contract/errors.ts";
import type { Principal, Scope } from "../../contract/principal.ts";
import type { HttpDeps } from "../http-deps.ts";
import type { Route } from "../route.ts";

/** Checks the key's scopes, then takes from its allowance. */
export function createAuthorisation(
  deps: Pick<HttpDeps, "policy" | "rateLimiter" | "people">,
): (request: FastifyRequest, route: Route) => void {
  return ({ principal, sessionId }, { access, operators, sessionOnly, freshSignIn }) => {
    if (principal === undefined) return;
    if (typeof access !== "string") requireScope(principal, access);
    if (sessionOnly === true) requirePerson(principal);
    if (operators === true) requireOperator(principal);
    if (freshSignIn === true) deps.people.requireFresh(sessionId ?? "");
    takeAllowance(deps, principal.keyId);
  };
}

/** Throws `rate_limited` where the key has used up its requests of this minute. */
export function takeAllowance(deps: Pick<HttpDeps, "policy" | "rateLimiter">, keyId: string): void {
  const perMinute = deps.policy.current.security.rate_limit_per_minute;
  const taken = deps.rateLimiter.take(keyId, perMinute);
  if (taken.ok) return;
  throw new GatewayError(
    "rate_limited",
    `Key ${keyId} has made its ${perMinute} requests of this minute (security.rate_limit_per_minute).`,
    { retry_after: taken.retryAfter, hint: "Wait as long as Retry-After says." },
  );
}

/** Throws `scope_missing` unless the key has one of the scopes. */
export function requireScope(principal: Principal, scopes: readonly Scope[]): void {
  if (scopes.some((scope) => principal.scopes.has(scope))) return;
  const named = scopes.join(" or ");
  if (principal.person !== undefined) {
    throw new GatewayError(
      "scope_missing",
      `This takes the scope ${named}; people decide and read.`,
      {
        hint: "Who plans cannot approve: a program plans and executes, with a key of its own.",
      },
    );
  }
  throw new GatewayError(
    "scope_missing",
    `Key ${principal.keyId} does not have the scope ${named}, which this route needs.`,
    { hint: `Use a key whose scopes include ${named}; config/clients.json grants them.` },
  );
}

/** Throws `scope_missing` for a key: what only a person in front of the console does. */
function requirePerson({ person, keyId }: Principal): void {
  if (person !== undefined) return;
  throw new GatewayError("scope_missing", `Key ${keyId} is no person who is signed in.`, {
    hint: "Sign in to the console at /console: no key stands in for a person here.",
  });
}

/** Throws `scope_missing` for a person who is no operator; keys are bound by their scopes. */
function requireOperator({ person }: Principal): void {
  if (person === undefined || person.role === "operator") return;
  throw new GatewayError("scope_missing", "This is for operators; you are an approver.", {
    hint: "An operator does it, or invites you as one.",
  });
}
