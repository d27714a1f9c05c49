export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly threshold?: number;
  /** ms it stays open at first; doubled each time a probe fails. */
  readonly coolDownMs?: number;
  readonly maxCoolDownMs?: number;
  /** ms of a clock that never goes back. */
  readonly now?: () => number;
}

/** `open`: nothing is sent. `half-open`: one probe may show whether things are well again. */
export type BreakerState = "closed" | "open" | "half-open";

/** Spares a backend that fails, and its callers their time-outs. */
export class CircuitBreaker {
  readonly #threshold: number;
  readonly #firstCoolDown: number;
  readonly #maxCoolDown: number;
  readonly #now: () => number;
  #failures = 0;
  #coolDown: number;
  #openUntil: number | undefined;

  constructor(options: BreakerOptions = {}) {
    this.#threshold = options.threshold ?? 5;
    this.#firstCoolDown = options.coolDownMs ?? 2000;
    this.#maxCoolDown = options.maxCoolDownMs ?? 30_000;
    this.#now = options.now ?? (() => performance.now());
    this.#coolDown = this.#firstCoolDown;
  }

  get state(): BreakerState {
    if (this.#openUntil === undefined) return "closed";
    return this.#now() < this.#openUntil ? "open" : "half-open";
  }

  /** ms until a probe may be sent; 0 unless open. */
  get retryAfterMs(): number {
    return Math.max(0, (this.#openUntil ?? 0) - this.#now());
  }

  succeed(): void {
    this.#failures = 0;
    this.#coolDown = this.#firstCoolDown;
    this.#openUntil = undefined;
  }

  fail(): void {
    this.#failures += 1;
    if (this.#openUntil !== undefined) {
      // Calls that were under way when it opened say nothing new.
      if (this.state === "open") return;
      this.#coolDown = Math.min(this.#maxCoolDown, this.#coolDown * 2);
    } else if (this.#failures < this.#threshold) return;
    this.#openUntil = this.#now() + this.#coolDown;
  }
}
