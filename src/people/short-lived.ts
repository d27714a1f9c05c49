/**
 * Values that are handed out once, within their time. Memory is bounded: beyond `max` the oldest
 * goes. Nothing of it survives a restart, which ends whatever was under way.
 */
export class ShortLived<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>();
  readonly #ttlMs: number;
  readonly #max: number;
  readonly #now: () => number;

  constructor(options: { ttlMs: number; max: number; now: () => number }) {
    this.#ttlMs = options.ttlMs;
    this.#max = options.max;
    this.#now = options.now;
  }

  /** Returns ms since the epoch at which it is forgotten. */
  put(key: string, value: Value): number {
    const until = this.#now() + this.#ttlMs;
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    if (this.#entries.size > this.#max) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    return until;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.until > this.#now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Gives it out for the last time. */
  take(key: string): Value | undefined {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** Forgets what the test accepts. */
  drop(accept: (value: Value) => boolean): void {
    for (const [key, { value }] of this.#entries) if (accept(value)) this.#entries.delete(key);
  }
}
