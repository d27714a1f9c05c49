/** Keeps what `KeyUse` knows; see KeyStore. */
interface UseStore {
  uses(): Promise<ReadonlyMap<string, string>>;
  noteUses(uses: ReadonlyMap<string, string>): Promise<void>;
}

export interface KeyUseOptions {
  readonly flushMs?: number;
  readonly onError?: (error: unknown) => void;
}

const FLUSH_MS = 60_000;

/**
 * When each key, and each token, was last used. Kept in memory and written from time to time, so that
 * a request writes nothing; a crash forgets the last minute.
 */
export class KeyUse implements AsyncDisposable {
  readonly #store: UseStore;
  readonly #onError: KeyUseOptions["onError"];
  readonly #times: Map<string, string>;
  /** ms since the epoch, of what was used since the last flush. */
  #recent = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  private constructor(
    store: UseStore,
    times: Map<string, string>,
    { onError, flushMs = FLUSH_MS }: KeyUseOptions,
  ) {
    this.#store = store;
    this.#times = times;
    this.#onError = onError;
    this.#timer = setInterval(() => void this.flush(), flushMs).unref();
  }

  static async open(store: UseStore, options: KeyUseOptions = {}): Promise<KeyUse> {
    return new KeyUse(store, new Map(await store.uses()), options);
  }

  /** `sha256` of the token, hex, where it was one. */
  note(keyId: string, sha256?: string): void {
    const now = Date.now();
    this.#recent.set(nameOfKey(keyId), now);
    if (sha256 !== undefined) this.#recent.set(nameOfToken(sha256), now);
  }

  /** ISO 8601; undefined where it was never used. */
  ofKey(keyId: string): string | undefined {
    return this.#find(nameOfKey(keyId));
  }

  ofToken(sha256: string): string | undefined {
    return this.#find(nameOfToken(sha256));
  }

  /** Writes what is new. Never rejects; what could not be written is tried again. */
  async flush(): Promise<void> {
    if (this.#recent.size === 0) return;
    const written = this.#recent;
    this.#recent = new Map();
    const uses = new Map([...written].map(([name, at]) => [name, new Date(at).toISOString()]));
    for (const [name, at] of uses) this.#times.set(name, at);
    try {
      await this.#store.noteUses(uses);
    } catch (error) {
      this.#recent = new Map([...written, ...this.#recent]);
      this.#onError?.(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #find(name: string): string | undefined {
    const recent = this.#recent.get(name);
    return recent === undefined ? this.#times.get(name) : new Date(recent).toISOString();
  }
}

function nameOfKey(keyId: string): string {
  return `key:${keyId}`;
}

function nameOfToken(sha256: string): string {
  return `token:${sha256}`;
}
