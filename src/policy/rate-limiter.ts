export type Taken =
  | { readonly ok: true }
  /** `retryAfter` in whole seconds, at least 1. */
  | { readonly ok: false; readonly retryAfter: number };

interface Bucket {
  tokens: number;
  /** ms; tokens are counted up to here. */
  at: number;
}

const MINUTE = 60_000;

/**
 * A token bucket for each key: a minute's worth at once, refilled evenly. Memory is bounded: beyond
 * `maxKeys` the bucket unused for longest goes, which is the one nearest to full.
 */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;
  readonly #maxKeys: number;

  constructor(options: { now?: () => number; maxKeys?: number } = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#maxKeys = options.maxKeys ?? 10_000;
  }

  take(key: string, perMinute: number): Taken {
    const now = this.#now();
    const before = this.#buckets.get(key);
    const elapsed = before === undefined ? MINUTE : Math.max(0, now - before.at);
    const refilled = (before?.tokens ?? 0) + (elapsed * perMinute) / MINUTE;
    const tokens = Math.min(perMinute, refilled);
    // Sums of fractions fall short of 1 by a rounding error.
    const ok = tokens > 1 - 1e-6;
    // Taken out and put in again, so that the map stays in order of use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: ok ? Math.max(0, tokens - 1) : tokens, at: now });
    this.#shrink();
    if (ok) return { ok };
    const seconds = ((1 - tokens) * 60) / perMinute;
    return { ok, retryAfter: Math.max(1, Math.ceil(seconds)) };
  }

  get size(): number {
    return this.#buckets.size;
  }

  #shrink(): void {
    if (this.#buckets.size <= this.#maxKeys) return;
    const oldest = this.#buckets.keys().next();
    if (!oldest.done) this.#buckets.delete(oldest.value);
  }
}
