import { createHash, randomBytes } from "node:crypto";
import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import type { KeyDefinition } from "../contract/key.ts";
import type { CreateKeyRequest, RotateKeyRequest } from "../contract/operate.ts";
import type { Principal } from "../contract/principal.ts";
import { nearest } from "../lib/nearest.ts";
import type { KeyStore, ManagedKey, ManagedToken } from "./key-store.ts";

export interface ManagedKeysOptions {
  readonly store: KeyStore;
  /** Every action of this version. */
  readonly actions: readonly string[];
  readonly desktops: () => readonly string[];
  /** Where a key of this id stands that is not the console's; undefined where there is none. */
  readonly placeOf: (keyId: string) => string | undefined;
  /** The keys that `definitions` gives have changed. */
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** Keys that live at the same time. */
const MAX_KEYS = 1000;
/** What a token begins with, so that scanners for secrets know it. */
const TOKEN_PREFIX = "bbg_";
const PLANNING: ReadonlySet<string> = new Set(["plan", "execute"]);
const DAY_MS = 86_400_000;
/** setTimeout takes no more than 24 days. */
const MAX_WAIT_MS = DAY_MS;

/**
 * The keys that operators make, rotate and revoke in the console. Each change is durable, with its
 * audit record, before it counts. A token is told once and kept as its SHA-256.
 */
export class ManagedKeys implements Disposable {
  readonly #options: ManagedKeysOptions;
  /** Ended ones too. */
  readonly #keys: Map<string, ManagedKey>;
  /** Changes come one after the other. */
  #changing: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<(keyId: string) => void>();

  private constructor(options: ManagedKeysOptions, keys: readonly ManagedKey[]) {
    this.#options = options;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#waitForEnds();
  }

  static async open(options: ManagedKeysOptions): Promise<ManagedKeys> {
    return new ManagedKeys(options, await options.store.list());
  }

  /** Those that have not ended. */
  get alive(): readonly ManagedKey[] {
    const now = Date.now();
    return [...this.#keys.values()].filter((key) => isAlive(key, now));
  }

  /** As the key ring takes them. */
  definitions(): KeyDefinition[] {
    return this.alive.flatMap(define);
  }

  /** The token, told this once. Throws `invalid_request` for what cannot be a key. */
  create(by: Principal, request: CreateKeyRequest): Promise<{ key: ManagedKey; token: string }> {
    return this.#inTurn(async () => {
      this.#refuse(request);
      const { token, entry } = newToken();
      const { capabilities = null, desktops = null, expires_in_days: days } = request;
      const expiresAt = days === undefined ? undefined : fromNow(days * DAY_MS);
      const key: ManagedKey = {
        id: request.id,
        scopes: request.scopes,
        capabilities,
        desktops,
        trusted_approval_surface: request.trusted_approval_surface ?? false,
        created_at: entry.created_at,
        created_by: by.keyId,
        ...(expiresAt !== undefined && { expires_at: expiresAt }),
        tokens: [entry],
      };
      const { tokens: _, created_at: __, created_by: ___, id, ...rights } = key;
      await this.#put(key, record("key.created", by, { id, ...rights }));
      return { key, token };
    });
  }

  /**
   * A new token; the present one counts for the overlap beside it. Without an overlap all older ones
   * end at once, with what was begun under them. Throws `state_changed` while an overlap lasts.
   */
  rotate(
    by: Principal,
    id: string,
    { overlap_minutes: overlap }: RotateKeyRequest,
  ): Promise<{ key: ManagedKey; token: string }> {
    return this.#inTurn(async () => {
      const before = this.#get(id);
      const [present, older] = liveTokens(before, Date.now());
      if (overlap > 0 && older !== undefined) {
        throw new GatewayError(
          "state_changed",
          `Key ${id} is being rotated: its older token counts until ${older.expires_at}.`,
          {
            hint: "Wait for that, or rotate with overlap_minutes 0: both present tokens end then.",
          },
        );
      }
      const { token, entry } = newToken();
      const until = fromNow(overlap * 60_000);
      const kept = overlap > 0 && present ? [{ ...present, expires_at: until }] : [];
      const told = new Set([...(before.rotated_by ?? []), by.keyId]);
      const key = { ...before, rotated_by: [...told], tokens: [entry, ...kept] };
      const details = { id, overlap_minutes: overlap, ...(overlap > 0 && { until }) };
      await this.#put(key, record("key.rotated", by, details));
      return { key, token };
    });
  }

  /** Ends a key with all that was begun under it. Throws `not_found`, `invalid_request`. */
  revoke(by: Principal, id: string): Promise<void> {
    return this.#inTurn(async () => {
      const { expires_at: _, ...before } = this.#get(id);
      const key = { ...before, revoked_at: fromNow(0), tokens: [] };
      await this.#put(key, record("key.revoked", by, { id }));
    });
  }

  /**
   * Calls back where a token ended and its key did not: what was opened with it must be opened anew.
   * Returns the function that ends it.
   */
  onTokenEnded(listener: (keyId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => {});
    return done;
  }

  async #put(key: ManagedKey, draft: AuditDraft): Promise<void> {
    await this.#options.store.put(key, [draft]);
    this.#keys.set(key.id, key);
    this.#options.onChange();
    this.#waitForEnds();
  }

  #get(id: string): ManagedKey {
    const key = this.#keys.get(id);
    if (key !== undefined && isAlive(key, Date.now())) return key;
    const place = this.#options.placeOf(id);
    if (place !== undefined) {
      throw new GatewayError("invalid_request", `Key ${id} is no key of the console: ${place}.`, {
        hint: "Change it where it stands; clients.json is read anew when it changes.",
      });
    }
    throw new GatewayError("not_found", `There is no key ${id}.`, {
      hint: "GET /keys lists those that are alive.",
    });
  }

  #refuse({ id, scopes, capabilities = [], desktops = [] }: CreateKeyRequest): void {
    const place = this.#options.placeOf(id);
    if (place !== undefined) {
      throw invalid(`/id: ${id} is taken: ${place}`, "Give it another id.");
    }
    const known = this.#keys.get(id);
    if (known !== undefined) {
      throw isAlive(known, Date.now())
        ? invalid(`/id: there is a key ${id}`, "Rotate it for a new token, or choose another id.")
        : invalid(
            `/id: ${id} was a key and has ended`,
            "Its tasks are still there under that id: give the new key another one.",
          );
    }
    if (scopes.includes("confirm") && scopes.some((scope) => PLANNING.has(scope))) {
      throw invalid(
        "/scopes: confirm never stands beside plan or execute",
        "Who plans cannot approve: make two keys of it.",
      );
    }
    refuseUnknown("/capabilities", "action", capabilities, this.#options.actions);
    refuseUnknown("/desktops", "desktop", desktops, this.#options.desktops());
    if (this.alive.length >= MAX_KEYS) {
      throw invalid(`there are ${MAX_KEYS} keys already`, "Revoke those that are not used.");
    }
  }

  /** Wakes at the next moment at which a key or token ends by itself. */
  #waitForEnds(): void {
    clearTimeout(this.#timer);
    const ends = [...this.#keys.values()].flatMap(endsOf);
    if (ends.length === 0) return;
    const waitMs = Math.max(0, Math.min(Math.min(...ends) - Date.now(), MAX_WAIT_MS));
    this.#timer = setTimeout(() => this.#endWhatIsOver(), waitMs + 1).unref();
  }

  #endWhatIsOver(): void {
    const now = Date.now();
    const over = [...this.#keys.values()].filter((key) => endsOf(key).some((end) => end <= now));
    for (const { id } of over) {
      this.#inTurn(() => this.#end(id)).catch(this.#options.onError);
    }
    if (over.length === 0) this.#waitForEnds();
  }

  /** The end counts whether or not it can be recorded. */
  async #end(id: string): Promise<void> {
    const key = this.#keys.get(id);
    const now = Date.now();
    if (key === undefined || !endsOf(key).some((end) => end <= now)) return;
    const lives = isAlive(key, now);
    const { expires_at: expiresAt, ...rest } = key;
    const after: ManagedKey = lives
      ? { ...key, tokens: liveTokens(key, now) }
      : { ...rest, revoked_at: expiresAt ?? fromNow(0), tokens: [] };
    this.#keys.set(id, after);
    this.#options.onChange();
    if (lives) for (const listener of this.#listeners) listener(id);
    this.#waitForEnds();
    const type = lives ? "key.token_ended" : "key.expired";
    await this.#options.store.put(after, [record(type, null, { id })]);
  }
}

function isAlive(key: ManagedKey, now: number): boolean {
  if (key.revoked_at !== undefined) return false;
  return key.expires_at === undefined || Date.parse(key.expires_at) > now;
}

/** Newest first: the one given out last, and the one before it while the overlap lasts. */
export function liveTokens(key: ManagedKey, now: number): readonly ManagedToken[] {
  return key.tokens.filter(({ expires_at: end }) => end === undefined || Date.parse(end) > now);
}

/** ms since the epoch, of what still stands. */
function endsOf(key: ManagedKey): number[] {
  if (key.revoked_at !== undefined) return [];
  const ends = [key.expires_at, ...key.tokens.map((token) => token.expires_at)];
  return ends.flatMap((end) => (end === undefined ? [] : [Date.parse(end)]));
}

function define(key: ManagedKey): KeyDefinition[] {
  const [present, older] = liveTokens(key, Date.now());
  if (present === undefined) return [];
  const principal: Principal = Object.freeze({
    keyId: key.id,
    scheme: "bearer",
    scopes: new Set(key.scopes),
    capabilities: key.capabilities === null ? null : new Set(key.capabilities),
    desktops: key.desktops === null ? null : new Set(key.desktops),
    trustedApprovalSurface: key.trusted_approval_surface,
    toldTo: new Set([key.created_by, ...(key.rotated_by ?? [])]),
  });
  const previous = older?.expires_at && {
    secret: Buffer.from(older.sha256, "hex"),
    until: Date.parse(older.expires_at),
  };
  return [
    Object.freeze({
      principal,
      secret: Buffer.from(present.sha256, "hex"),
      origin: { source: "console", place: "the console" } as const,
      ...(previous && { previous }),
    }),
  ];
}

function newToken(): { token: string; entry: ManagedToken } {
  const token = TOKEN_PREFIX + randomBytes(32).toString("base64url");
  const sha256 = createHash("sha256").update(token).digest("hex");
  return { token, entry: { sha256, created_at: fromNow(0) } };
}

function fromNow(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

function record(type: string, by: Principal | null, details: AuditDraft["details"]): AuditDraft {
  return { type, key_id: by?.keyId ?? null, time: fromNow(0), ...(details && { details }) };
}

function refuseUnknown(
  pointer: string,
  kind: "action" | "desktop",
  names: readonly string[],
  known: readonly string[],
): void {
  const index = names.findIndex((name) => !known.includes(name));
  if (index < 0) return;
  const [meant] = nearest(names[index] ?? "", new Set(known));
  const hint = meant === undefined ? `There are: ${known.join(", ")}.` : `Did you mean ${meant}?`;
  throw invalid(`${pointer}/${index} is no ${kind} of this gateway`, hint);
}

function invalid(detail: string, hint: string): GatewayError {
  return new GatewayError("invalid_request", `${detail}.`, { hint });
}
