import type { Principal } from "../contract/principal.ts";

/** A requester with every right, in place of a key that has ended or never was. */
export function neutralPrincipal(keyId: string): Principal {
  return {
    keyId,
    scheme: "hmac",
    scopes: new Set(["plan", "execute", "read"]),
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
  };
}
