import type { AuditDraft } from "../contract/audit.ts";
import type { Scope } from "../contract/principal.ts";

export interface ManagedToken {
  /** Hex. */
  readonly sha256: string;
  readonly created_at: string;
  /** When it ends because a newer one took its place. */
  readonly expires_at?: string;
}

/** A bearer key that an operator made in the console. Times are ISO 8601, UTC. */
export interface ManagedKey {
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** null: all. */
  readonly capabilities: readonly string[] | null;
  readonly desktops: readonly string[] | null;
  readonly trusted_approval_surface: boolean;
  readonly created_at: string;
  /** The key id of who made it. */
  readonly created_by: string;
  /** The key ids of those who rotated it, and were told a token. */
  readonly rotated_by?: readonly string[];
  readonly expires_at?: string;
  /** It has ended. It stays, so that nobody else gets its id, and with it its tasks. */
  readonly revoked_at?: string;
  /** Newest first; none where it has ended. */
  readonly tokens: readonly ManagedToken[];
}

export interface KeyStore {
  list(): Promise<ManagedKey[]>;
  /** Puts it in the place of the key of its id, if there is one, with its records: all or nothing. */
  put(key: ManagedKey, audit: readonly AuditDraft[]): Promise<void>;
  /** When what was last used, ISO 8601, by a name of the caller's. */
  uses(): Promise<ReadonlyMap<string, string>>;
  noteUses(uses: ReadonlyMap<string, string>): Promise<void>;
}
