import {
  type CapabilityPolicy,
  type Policy,
  type PolicyFile,
  type ProtectedHost,
  RISK_LEVELS,
  type RiskLevel,
} from "../contract/policy.ts";
import { canonicalJson, sha256 } from "../lib/canonical.ts";

/** What a policy must know that does not stand in its file. */
export interface Surroundings {
  /** Every action of this version. */
  readonly actions: readonly string[];
  /** Where the gateway and ByteBot listen; see `Policy.own_hosts`. */
  readonly protectedHosts: readonly ProtectedHost[];
}

/** What an action gets that the file does not list. */
export const NOT_LISTED: CapabilityPolicy = Object.freeze({ enabled: false });

/** The policy of a valid file: every default filled in, every action present, frozen throughout. */
export function buildPolicy(file: PolicyFile, surroundings: Surroundings): Policy {
  const listed = structuredClone(file.capabilities);
  const capabilities = Object.fromEntries(
    surroundings.actions.map((action) => [
      action,
      (Object.hasOwn(listed, action) ? listed[action] : undefined) ?? NOT_LISTED,
    ]),
  );
  const approvals = file.confirmation?.approvals ?? {};
  const content = {
    capabilities,
    confirmation: {
      low: file.confirmation?.low ?? "client",
      medium: file.confirmation?.medium ?? "approver",
      high: file.confirmation?.high ?? "approver",
    },
    approvals: Object.fromEntries(
      RISK_LEVELS.map((risk) => [risk, approvals[risk] ?? 1]),
    ) as Record<RiskLevel, number>,
    passkey: file.confirmation?.passkey ?? "never",
    grants: { enabled: true, max_minutes: 60, ...file.confirmation?.grants },
    target_check: { enabled: true, tolerance: 0.03, radius_px: 32, ...file.target_check },
    security: {
      require_signature: true,
      signature_tolerance_ms: 300_000,
      max_concurrent_tasks: 5,
      plan_ttl_s: 900,
      max_task_duration_s: 300,
      rate_limit_per_minute: 600,
      max_queued_tasks: 100,
      max_pending_mb: 100,
      max_artifacts_mb: 1024,
      anonymous_events: true,
      ...file.security,
    },
  } satisfies Omit<Policy, "digest">;
  return freeze({
    ...content,
    digest: sha256(canonicalJson(content)),
    own_hosts: structuredClone(surroundings.protectedHosts),
  });
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null && !Object.isFrozen(part)) freeze(part);
  }
  return Object.freeze(value);
}
