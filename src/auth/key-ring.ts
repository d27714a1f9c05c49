import { createHash, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { KeyDefinition, KeyOrigin } from "../contract/key.ts";
import type { Principal } from "../contract/principal.ts";

/** A key that is alive, ready for use. */
export interface Key {
  readonly id: string;
  readonly principal: Principal;
  /** Scheme hmac: what signatures are made with. Scheme bearer: the token's SHA-256, as 32 bytes. */
  readonly secret: KeyObject;
  readonly origin: KeyOrigin | undefined;
  /** SHA-256 of a token that was replaced; it counts until then, ms since the epoch. */
  readonly previous: { readonly secret: KeyObject; readonly until: number } | undefined;
}

/** A key by one of its tokens. */
export interface TokenMatch {
  readonly key: Key;
  /** SHA-256 of the token, hex. */
  readonly sha256: string;
}

interface TokenEntry extends TokenMatch {
  readonly digest: Uint8Array;
  /** ms since the epoch. */
  readonly until: number;
}

/**
 * The keys that are alive. Whoever holds a Key or Principal longer than a request asks again, or
 * listens: a key may be gone, or mean less, after `replace`.
 */
export class KeyRing {
  #keys: ReadonlyMap<string, Key> = new Map();
  #tokens: ReadonlyMap<string, TokenEntry> = new Map();
  readonly #listeners = new Set<(keyId: string) => void>();

  constructor(definitions: readonly KeyDefinition[]) {
    this.#fill(definitions);
  }

  find(keyId: string): Key | undefined {
    return this.#keys.get(keyId);
  }

  /** undefined where the key was revoked or never was. */
  principal(keyId: string): Principal | undefined {
    return this.#keys.get(keyId)?.principal;
  }

  /** Every key, in the order they were given. */
  get all(): readonly Key[] {
    return [...this.#keys.values()];
  }

  /** The bearer key of a token. How long it takes tells nothing of the tokens that exist. */
  findByToken(token: string): TokenMatch | undefined {
    const digest = createHash("sha256").update(token).digest();
    const entry = this.#tokens.get(digest.toString("hex"));
    const same = timingSafeEqual(digest, entry?.digest ?? NO_DIGEST);
    return same && entry !== undefined && entry.until > Date.now() ? entry : undefined;
  }

  /**
   * Puts these keys in the place of all others. A key that is gone, has another secret or lost a
   * scope counts as revoked: what was begun under the old credential must not outlive it. A secret
   * that still counts beside a new one is no other secret.
   */
  replace(definitions: readonly KeyDefinition[]): void {
    const before = this.#keys;
    this.#fill(definitions);
    const revoked = [...before.values()].filter((key) => hasEnded(key, this.#keys.get(key.id)));
    for (const { id } of revoked) for (const listener of this.#listeners) listener(id);
  }

  /** Calls back with each key that `replace` revokes, after it is gone. Returns the function that ends it. */
  onRevoked(listener: (keyId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #fill(definitions: readonly KeyDefinition[]): void {
    const keys = new Map<string, Key>();
    const tokens = new Map<string, TokenEntry>();
    for (const { principal, secret, origin, previous } of definitions) {
      const key: Key = {
        id: principal.keyId,
        principal,
        secret: createSecretKey(secret),
        origin,
        previous: previous && {
          secret: createSecretKey(previous.secret),
          until: previous.until,
        },
      };
      keys.set(key.id, key);
      if (principal.scheme !== "bearer") continue;
      const add = (digest: Uint8Array, until: number) => {
        const sha256 = Buffer.from(digest).toString("hex");
        tokens.set(sha256, { key, sha256, digest, until });
      };
      add(secret, Number.POSITIVE_INFINITY);
      if (previous !== undefined) add(previous.secret, previous.until);
    }
    this.#keys = keys;
    this.#tokens = tokens;
  }
}

const NO_DIGEST = new Uint8Array(32);

function hasEnded(before: Key, after: Key | undefined): boolean {
  return (
    after === undefined ||
    before.principal.scheme !== after.principal.scheme ||
    !stillCounts(before.secret, after) ||
    !before.principal.scopes.isSubsetOf(after.principal.scopes)
  );
}

function stillCounts(secret: KeyObject, { secret: present, previous }: Key): boolean {
  if (secret.equals(present)) return true;
  return previous !== undefined && previous.until > Date.now() && secret.equals(previous.secret);
}
