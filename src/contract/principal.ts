import type { PersonView } from "./people.ts";

export const SCOPES = ["plan", "execute", "read", "confirm"] as const;
export type Scope = (typeof SCOPES)[number];

/** What a key of the configuration may prove itself by. */
export const SCHEMES = ["hmac", "bearer"] as const;
/** `session`: a person, by the cookie of the console. */
export type Scheme = (typeof SCHEMES)[number] | "session";

/** Who is calling, as proven by a credential. Frozen: nothing downstream can widen it. */
export interface Principal {
  /** The key's id: the tenant. `person:ID` of a person. */
  readonly keyId: string;
  readonly scheme: Scheme;
  readonly scopes: ReadonlySet<Scope>;
  /** Actions this key may use; null means all that policy enables. */
  readonly capabilities: ReadonlySet<string> | null;
  /** Desktops this key may use; null means all. */
  readonly desktops: ReadonlySet<string> | null;
  /** The operator vouches that a person, not a program, decides on this key's approval card. */
  readonly trustedApprovalSurface: boolean;
  /**
   * Of a key made in the console: the key ids of those who were told its secret. Two approvals are
   * two people's, and what one of these approves with it they approve themselves.
   */
  readonly toldTo?: ReadonlySet<string>;
  /** Who is signed in, with the scheme `session` and no other. */
  readonly person?: PersonView;
}
