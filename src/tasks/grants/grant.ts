import type { RiskLevel } from "../../contract/policy.ts";

/** What a grant reaches, of the one kind that its action has. */
export type GrantScope =
  | { readonly path_prefix: string; readonly domain?: never }
  | { readonly domain: string; readonly path_prefix?: never };

/** One kind of task of one key that is approved without asking, for a while. */
export interface Grant {
  readonly id: string;
  /** The requester whose tasks it covers. */
  readonly key_id: string;
  readonly desktop: string;
  readonly action: string;
  readonly scope: GrantScope;
  /** The action's configured level when it was given: what is riskier is not covered. */
  readonly risk: RiskLevel;
  /** Whose approvals its approvals are. */
  readonly granted_by: string;
  readonly on_task: string;
  /** ISO 8601, UTC. */
  readonly created_at: string;
  readonly expires_at: string;
  readonly used: number;
  readonly last_used_at?: string;
}
