import type { AuditDraft } from "../contract/audit.ts";
import type { LinkPurpose, PersonRole } from "../contract/people.ts";

/** A person who enrolled. Stays when removed: their id is in the audit log and never another's. */
export interface PersonRecord {
  readonly id: string;
  readonly name: string;
  readonly role: PersonRole;
  /** 32 random bytes, base64url: what authenticators know the person by. */
  readonly handle: string;
  /** See passwords.ts; absent: none is set. */
  readonly password?: string;
  /** ISO 8601, UTC. */
  readonly created_at: string;
  readonly signed_in_at?: string;
  readonly removed_at?: string;
  /**
   * Who saw a link that gave this person a way in: key ids, and HOST. Empty once somebody vouched for
   * them; absent in records of before this was kept, which counts as HOST.
   */
  readonly told_to?: readonly string[];
}

/** Whoever runs the host: they see the links that the program and its command line print. */
export const HOST = "host";

export interface PasskeyRecord {
  /** The credential id, base64url. */
  readonly id: string;
  readonly person: string;
  readonly name: string;
  /** COSE key, base64url. */
  readonly public_key: string;
  readonly counter: number;
  readonly transports: readonly string[];
  /** The host name it was made under and works under alone. */
  readonly rp_id: string;
  readonly created_at: string;
  readonly last_used_at?: string;
}

/** A one-time link that was not opened yet. */
export interface LinkRecord {
  /** 22 characters; names it in lists and in the audit log, and opens nothing. */
  readonly id: string;
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  readonly purpose: LinkPurpose;
  readonly role: PersonRole;
  /** Whom a recovery is for. */
  readonly person?: string;
  /** What the inviter calls the person. */
  readonly name?: string;
  /** The operator's key id, or null: made on the host. */
  readonly made_by: string | null;
  /** ms since the epoch. */
  readonly expires_at: number;
}

export const SIGN_IN_METHODS = ["link", "passkey", "password"] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

export interface SessionRecord {
  /** SHA-256 of the cookie's value, base64url. Names the session; opens nothing. */
  readonly id: string;
  readonly person: string;
  readonly method: SignInMethod;
  /** ms since the epoch. */
  readonly started_at: number;
  readonly seen_at: number;
  /** ms since the epoch: when they last proved again who they are, after it had begun. */
  readonly proven_at?: number;
}

export interface PeopleRecords {
  readonly person: PersonRecord;
  readonly passkey: PasskeyRecord;
  readonly link: LinkRecord;
  readonly session: SessionRecord;
}
export type RecordKind = keyof PeopleRecords;

/** Every record there is: few enough to be held in memory. */
export type PeopleState = { readonly [Kind in RecordKind]: readonly PeopleRecords[Kind][] };

export type PeopleChange =
  | {
      [Kind in RecordKind]: { readonly put: Kind; readonly record: PeopleRecords[Kind] };
    }[RecordKind]
  | { readonly drop: RecordKind; readonly id: string };

export interface PeopleStore {
  load(): Promise<PeopleState>;
  /**
   * Commits the changes with their audit records, or nothing: rejects with `audit_unavailable`.
   * Durable when it resolves.
   */
  apply(changes: readonly PeopleChange[], audit: readonly AuditDraft[]): Promise<void>;
}
