import type { CapabilityPolicy } from "../contract/policy.ts";

// What a person who has just installed the gateway expects to work, and nothing that could do harm
// out of their sight. The folders and domains are those of the documentation's examples, so that
// these run as they stand: /tmp and /home/user are ByteBot's own layout (inside WORKDIR with the
// embedded driver), and example.com is reserved for examples by IANA (RFC 2606). The lists of what
// is off are empty, so that turning it on is one decision and what to allow another.

/** Of every action on files. */
export const ALLOWED_FILES: CapabilityPolicy = {
  enabled: true,
  allowed_paths: ["/tmp", "/home/user"],
};

/** Of every action that moves the pointer or types. */
export const INPUT_POLICY: CapabilityPolicy = { enabled: true, risk_level: "medium" };
