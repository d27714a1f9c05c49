import type { Principal, Scope } from "../../../src/contract/principal.ts";
import type { Driver } from "../../../src/tasks/driver.ts";

/** A driver that performs everything at once, where nothing else is said. */
export function createFakeDriver(parts: Partial<Driver> = {}): Driver {
  return {
    name: "fake",
    availability: () => ({ available: true }),
    inspect: async () => ({ bound: {}, riskFactors: [] }),
    perform: async () => ({}),
    health: async () => undefined,
    [Symbol.asyncDispose]: async () => {},
    ...parts,
  };
}

export function principalOf(keyId: string, ...scopes: Scope[]): Principal {
  return {
    keyId,
    scheme: "hmac",
    scopes: new Set(scopes),
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
  };
}
