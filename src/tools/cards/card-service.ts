import { sha256 } from "../../lib/canonical.ts";
import { randomId } from "../../lib/random-id.ts";

/** A card's task, and the key that planned it. */
export interface CardSubject {
  readonly taskId: string;
  readonly keyId: string;
}

/** What a card link leads to: its page, once; afterwards only what it was for. */
export type CardOpening =
  | { readonly kind: "opened"; readonly session: string; readonly subject: CardSubject }
  | { readonly kind: "used"; readonly subject: CardSubject };

interface Link {
  readonly subject: CardSubject;
  /** ms since the epoch */
  readonly until: number;
  used: boolean;
}

interface Session {
  readonly subject: CardSubject;
  readonly until: number;
  /** Ends the session where nobody asks again before. */
  idleUntil: number;
}

export const LINK_MS = 15 * 60_000;
/** A page that is open asks at least every half minute. */
export const IDLE_MS = 2 * 60_000;
const SESSION_MS = 2 * 60 * 60_000;
/** Links and sessions of one key; the oldest go first. */
const MAX_PER_KEY = 200;

/**
 * One-time links to cards, and the sessions of the pages they opened. Kept in memory by their
 * SHA-256, so that neither a dump nor a copy of the data holds one; a restart ends them all.
 */
export class CardService {
  readonly #links = new Map<string, Link>();
  readonly #sessions = new Map<string, Session>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A token for one opening, until `until` (ms since the epoch) and for a quarter of an hour at most. */
  issue(subject: CardSubject, until: number): string {
    this.#sweep();
    makeRoom(this.#links, subject.keyId);
    const token = secretToken();
    const link = { subject, until: Math.min(until, this.#now() + LINK_MS), used: false };
    this.#links.set(digest(token), link);
    return token;
  }

  /** Undefined for a token that never was or whose time is over. */
  open(token: string): CardOpening | undefined {
    this.#sweep();
    const link = this.#links.get(digest(token));
    if (link === undefined) return undefined;
    const { subject } = link;
    if (link.used) return { kind: "used", subject };
    link.used = true;
    makeRoom(this.#sessions, subject.keyId);
    const session = secretToken();
    const now = this.#now();
    this.#sessions.set(digest(session), {
      subject,
      until: now + SESSION_MS,
      idleUntil: now + IDLE_MS,
    });
    return { kind: "opened", session, subject };
  }

  /** Whose page a session is; that it asks keeps it alive. */
  find(session: string): CardSubject | undefined {
    const found = this.#sessions.get(digest(session));
    const now = this.#now();
    if (found === undefined || isOver(found, now)) return undefined;
    found.idleUntil = now + IDLE_MS;
    return found.subject;
  }

  /** Ends every link and session of a key. */
  endKey(keyId: string): void {
    for (const entries of [this.#links, this.#sessions]) {
      for (const [hash, { subject }] of entries) if (subject.keyId === keyId) entries.delete(hash);
    }
  }

  #sweep(): void {
    const now = this.#now();
    for (const [hash, link] of this.#links) if (link.until <= now) this.#links.delete(hash);
    for (const [hash, session] of this.#sessions) {
      if (isOver(session, now)) this.#sessions.delete(hash);
    }
  }
}

/** 256 random bits. */
function secretToken(): string {
  return randomId() + randomId();
}

/** Looking up by the digest tells nothing of the tokens that exist by the time it takes. */
function digest(token: string): string {
  return sha256(token);
}

function isOver({ until, idleUntil }: Session, now: number): boolean {
  return until <= now || idleUntil <= now;
}

function makeRoom(entries: Map<string, { subject: CardSubject }>, keyId: string): void {
  const own = [...entries].filter(([, { subject }]) => subject.keyId === keyId);
  for (const [hash] of own.slice(0, Math.max(0, own.length - MAX_PER_KEY + 1))) {
    entries.delete(hash);
  }
}
