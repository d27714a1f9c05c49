import { DEFAULT_POLICY } from "../../../src/capabilities/default-policy.ts";
import { capabilities } from "../../../src/capabilities/registry.ts";
import type { Policy, PolicyFile } from "../../../src/contract/policy.ts";
import type { Principal } from "../../../src/contract/principal.ts";
import { buildPolicy } from "../../../src/policy/build-policy.ts";
import type { Proposal } from "../../../src/policy/decision.ts";

/** What the tests of the policy room share. */
export { capabilities, DEFAULT_POLICY };
export const ACTIONS = Object.keys(DEFAULT_POLICY.capabilities);
export const OWN_HOSTS = [
  { host: "127.0.0.1", port: 8089 },
  { host: "bytebot-desktop", port: 9990 },
];

export function policyOf(file: PolicyFile): Policy {
  return buildPolicy(file, { actions: ACTIONS, protectedHosts: OWN_HOSTS });
}

export const REQUESTER: Principal = Object.freeze({
  keyId: "default",
  scheme: "hmac",
  scopes: new Set(["plan", "execute", "read"] as const),
  capabilities: null,
  desktops: null,
  trustedApprovalSurface: false,
});

export function proposalOf(action: string, rest: Partial<Omit<Proposal, "action">> = {}): Proposal {
  return { action, risk: "low", facts: {}, riskFactors: [], ...rest };
}

/** The example of the documentation, as a user copies it. */
export const DOCUMENTED_FILE = `{
  "capabilities": {
    "fs.read": {
      "enabled": true,
      "risk_level": "low",
      "max_file_size_mb": 10,
      "allowed_paths": ["/tmp", "/home/user"]
    },
    "browser.open": {
      "enabled": true,
      "risk_level": "medium",
      "allowed_domains": ["localhost", "*.example.com"]
    }
  },
  "security": {
    "require_signature": true,
    "signature_tolerance_ms": 300000,
    "max_concurrent_tasks": 5
  }
}`;
