import { createHash, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { KeyDefinition } from "../contract/key.ts";
import type { Principal } from "../contract/principal.ts";

/** A key that is alive, ready for use. */
export interface Key {
  readonly id: string;
  readonly principal: Principal;
  /** Scheme hmac: what signatures are made with. Scheme bearer: the token's SHA-256, as 32 bytes. */
  readonly secret: KeyObject;
}

/**
 * The keys that are alive. Whoever holds a Key or Principal longer than a request asks again, or
 * listens: a key may be gone, or mean less, after `replace`.
 */
export class KeyRing {
  #keys: ReadonlyMap<string, Key> = new Map();
  #tokens: ReadonlyMap<string, { key: Key; digest: Uint8Array }> = new Map();
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

  /** The bearer key of a token. How long it takes tells nothing of the tokens that exist. */
  findByToken(token: string): Key | undefined {
    const digest = createHash("sha256").update(token).digest();
    const entry = this.#tokens.get(digest.toString("base64"));
    const same = timingSafeEqual(digest, entry?.digest ?? NO_DIGEST);
    return same ? entry?.key : undefined;
  }

  /**
   * Puts these keys in the place of all others. A key that is gone, has another secret or lost a
   * scope counts as revoked: what was begun under the old credential must not outlive it.
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
    const tokens = new Map<string, { key: Key; digest: Uint8Array }>();
    for (const { principal, secret } of definitions) {
      const key = { id: principal.keyId, principal, secret: createSecretKey(secret) };
      keys.set(key.id, key);
      if (principal.scheme === "bearer") {
        tokens.set(Buffer.from(secret).toString("base64"), { key, digest: secret });
      }
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
    !before.secret.equals(after.secret) ||
    !before.principal.scopes.isSubsetOf(after.principal.scopes)
  );
}
