import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import { PERSON_PREFIX } from "../contract/people.ts";
import { gone } from "./gone.ts";
import { hashOf, newSecret } from "./one-time-secret.ts";
import type { PeopleChange, PeopleStore, SessionRecord, SignInMethod } from "./people-store.ts";

const HOUR_MS = 60 * 60_000;
/** Unused for so long, a session ends. */
const IDLE_MS = 12 * HOUR_MS;
/** Used or not. */
const MAX_MS = 7 * 24 * HOUR_MS;
/** How far behind what is kept of a session's use may be. */
const SEEN_MS = 60_000;
/** Of one person; a further one ends the one unused for longest. */
const MAX_SESSIONS = 20;
/** A sign-in counts as fresh for so long, where something takes one. */
const RECENT_MS = 5 * 60_000;

export type SessionEnd = "signed_out" | "idle" | "expired" | "revoked" | "replaced" | "too_many";

export interface SessionsOptions {
  readonly store: PeopleStore;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** A session about to begin: `token` goes into the cookie, the rest is committed with what led to it. */
export interface NewSession {
  readonly token: string;
  readonly record: SessionRecord;
  readonly audit: AuditDraft;
}

/** The sessions of people, in memory and in the store: they survive a restart. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions: Map<string, SessionRecord>;
  /** `seen_at` as the store has it. */
  readonly #kept = new Map<string, number>();
  /** Those that have ended and are still in the store, which could not be written. */
  readonly #unrecorded = new Map<string, { session: SessionRecord; reason: SessionEnd }>();
  readonly #listeners = new Set<(sessionId: string, keyId: string) => void>();

  constructor(options: SessionsOptions, records: readonly SessionRecord[]) {
    this.#options = options;
    this.#sessions = new Map(records.map((record) => [record.id, record]));
    for (const { id, seen_at } of records) this.#kept.set(id, seen_at);
  }

  /** Calls back with each session that has ended, however. Returns the function that ends it. */
  onEnded(listener: (sessionId: string, keyId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The session a cookie's value opens, if it still runs. Counts as use. */
  use(token: string): SessionRecord | undefined {
    const session = this.get(hashOf(token));
    if (session === undefined) return undefined;
    const seen = { ...session, seen_at: this.#options.now() };
    this.#sessions.set(seen.id, seen);
    if (seen.seen_at - (this.#kept.get(seen.id) ?? 0) >= SEEN_MS) this.#keep(seen);
    return seen;
  }

  get(id: string): SessionRecord | undefined {
    const session = this.#sessions.get(id);
    return session !== undefined && this.#overBecause(session) === undefined ? session : undefined;
  }

  of(person: string): SessionRecord[] {
    return [...this.#sessions.values()].filter((session) => session.person === person);
  }

  /** ms since the epoch at which it ends unless it is used. */
  endsAt({ started_at, seen_at }: SessionRecord): number {
    return Math.min(started_at + MAX_MS, seen_at + IDLE_MS);
  }

  /** Throws `scope_missing` unless the person has just proved who they are, `token_invalid` for no session. */
  requireFresh(id: string): void {
    const session = this.get(id);
    if (session === undefined) throw gone("session");
    const { started_at, proven_at = started_at } = session;
    if (this.#options.now() - proven_at < RECENT_MS) return;
    throw new GatewayError("scope_missing", "This takes a sign-in of the last five minutes.", {
      hint: "POST /session/step-up with your passkey or password: whoever finds an open console must not let anybody in.",
    });
  }

  /** For a commit of other changes: the session, proven now. `prove` it after that. */
  proven(session: SessionRecord, method: SignInMethod, ip: string) {
    const record = { ...session, proven_at: this.#options.now() };
    return {
      record,
      audit: draft("session.stepped_up", session.person, { session: session.id, method, ip }),
    };
  }

  /** Does nothing for a session that has ended meanwhile: it returns whether it runs. */
  prove({ id, proven_at }: SessionRecord): boolean {
    const session = this.get(id);
    if (session === undefined || proven_at === undefined) return false;
    this.#sessions.set(id, { ...session, proven_at });
    return true;
  }

  /** Nothing of it holds before `begin`, which is called once the record is committed. */
  prepare(person: string, method: SignInMethod, ip: string): NewSession {
    const { secret, hash } = newSecret();
    const now = this.#options.now();
    return {
      token: secret,
      record: { id: hash, person, method, started_at: now, seen_at: now },
      audit: draft("session.started", person, { session: hash, method, ip }),
    };
  }

  begin({ record }: NewSession): void {
    this.#sessions.set(record.id, record);
    this.#kept.set(record.id, record.seen_at);
    const others = this.of(record.person).sort((a, b) => a.seen_at - b.seen_at);
    for (const { id } of others.slice(0, Math.max(0, others.length - MAX_SESSIONS))) {
      this.end(id, "too_many").catch(this.#options.onError);
    }
  }

  /**
   * Ends at once; resolves when that is committed. Where it cannot be, the session is over until the
   * program starts anew: `sweep` tries again until then. Rejects with `audit_unavailable`, which says so.
   */
  async end(id: string, reason: SessionEnd): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.forget(session);
    this.#unrecorded.set(id, { session, reason });
    try {
      await this.#recordEnd(session, reason);
    } catch (error) {
      throw error instanceof GatewayError && error.code === "audit_unavailable"
        ? notRecorded(error)
        : error;
    }
  }

  async #recordEnd(session: SessionRecord, reason: SessionEnd): Promise<void> {
    const { changes, audit } = this.ending([session], reason);
    await this.#options.store.apply(changes, audit);
    this.#unrecorded.delete(session.id);
  }

  /** For a commit of other changes: what ends these sessions. `forget` each of them after it. */
  ending(sessions: readonly SessionRecord[], reason: SessionEnd) {
    const changes: PeopleChange[] = sessions.map(({ id }) => ({ drop: "session", id }));
    const audit = sessions.map(({ id, person }) =>
      draft("session.ended", person, { session: id, reason }),
    );
    return { changes, audit };
  }

  forget({ id, person }: SessionRecord): void {
    if (!this.#sessions.delete(id)) return;
    this.#kept.delete(id);
    for (const listener of this.#listeners) listener(id, PERSON_PREFIX + person);
  }

  /** Ends those whose time is over, and records what could not be recorded before. */
  async sweep(): Promise<void> {
    for (const { session, reason } of [...this.#unrecorded.values()]) {
      await this.#recordEnd(session, reason);
    }
    for (const session of [...this.#sessions.values()]) {
      const reason = this.#overBecause(session);
      if (reason !== undefined) await this.end(session.id, reason);
    }
  }

  #overBecause({ started_at, seen_at }: SessionRecord): SessionEnd | undefined {
    const now = this.#options.now();
    if (now >= started_at + MAX_MS) return "expired";
    return now >= seen_at + IDLE_MS ? "idle" : undefined;
  }

  #keep(session: SessionRecord): void {
    this.#kept.set(session.id, session.seen_at);
    this.#options.store
      .apply([{ put: "session", record: session }], [])
      .then(() => {
        // It may have ended meanwhile: what was kept last must not bring it back.
        if (this.#sessions.has(session.id)) return undefined;
        return this.#options.store.apply([{ drop: "session", id: session.id }], []);
      })
      .catch(this.#options.onError);
  }
}

function notRecorded(cause: GatewayError): GatewayError {
  return new GatewayError(
    "audit_unavailable",
    "You are signed out for now, but the disk took no record of it: if the gateway starts anew before it does, this session counts again.",
    {
      hint: "The gateway keeps trying by itself. Where you do not trust this device, tell whoever runs the host that DATA_DIR cannot be written, and sign in and out again once it can; a new link for you (Admin > People) ends all your sessions.",
    },
    cause,
  );
}

function draft(type: string, person: string, details: Record<string, unknown>): AuditDraft {
  return { type, key_id: PERSON_PREFIX + person, time: new Date().toISOString(), details };
}
