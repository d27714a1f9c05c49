export const SCOPES = ["plan", "execute", "read", "confirm"] as const;
export type Scope = (typeof SCOPES)[number];

export const SCHEMES = ["hmac", "bearer"] as const;
export type Scheme = (typeof SCHEMES)[number];

/** Who is calling, as proven by a credential. Frozen: nothing downstream can widen it. */
export interface Principal {
  /** The key's id: the tenant. */
  readonly keyId: string;
  readonly scheme: Scheme;
  readonly scopes: ReadonlySet<Scope>;
  /** Actions this key may use; null means all that policy enables. */
  readonly capabilities: ReadonlySet<string> | null;
  /** Desktops this key may use; null means all. */
  readonly desktops: ReadonlySet<string> | null;
  /** The operator vouches that a person, not a program, decides on this key's approval card. */
  readonly trustedApprovalSurface: boolean;
}
