/** What goes wrong with a request. Unless it says so, nothing of the request is done. */
export type FaultKind =
  | "reset"
  /** The connection breaks after the first key, button or move; the rest is still done. */
  | "reset_midway"
  | "reset_after_effect"
  /**
   * The process dies after the first key, button or move, and is started again at once: every connection
   * and all work is lost, and what is held stays so.
   */
  | "crash"
  /** The same, and nobody listens until `listenAgain`. */
  | "die"
  /** Neither done nor answered until `release`. */
  | "hang"
  /** Done, and answered only after `release`. */
  | "hang_after_effect"
  | "500"
  /** Done; half of the answer comes at once, the rest after `release`. */
  | "slow_body"
  /** Done; the connection breaks in the middle of the answer. */
  | "truncated_body"
  /** Done; the answer is `bytes` long. */
  | "huge_body"
  /** Done; the answer is not JSON. */
  | "invalid_json"
  /** Nobody listens from now on, until `listenAgain`. */
  | "refuse_connection"
  | `status ${number}`;

export interface FaultOptions {
  /** A daemon's action or an agent's route (`POST /tasks`); absent: whatever comes next. */
  readonly action?: string;
  readonly with: FaultKind;
  /** How many requests it hits; 1 unless given, `Infinity` for all. */
  readonly times?: number;
  /** Of a `huge_body`; 64 MB unless given. */
  readonly bytes?: number;
}

export class Fault {
  readonly kind: FaultKind;
  readonly bytes: number;
  readonly action: string | undefined;
  /** Resolves when the first request ran into it. */
  readonly hit: Promise<void>;
  readonly released: Promise<void>;
  left: number;
  readonly #hit = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();

  constructor(options: FaultOptions) {
    this.kind = options.with;
    this.bytes = options.bytes ?? 64 * 1024 * 1024;
    this.action = options.action;
    this.left = options.times ?? 1;
    this.hit = this.#hit.promise;
    this.released = this.#released.promise;
  }

  /** Of a fault that is nothing but another status. */
  get status(): number | undefined {
    const found = /^(?:status )?(\d{3})$/.exec(this.kind)?.[1];
    return found === undefined ? undefined : Number(found);
  }

  /** Lets go what hangs. */
  release(): void {
    this.#released.resolve();
  }

  take(): this {
    this.left -= 1;
    this.#hit.resolve();
    return this;
  }
}

/** The faults that were asked for and have not all happened yet. */
export class Faults {
  readonly #waiting = new Set<Fault>();

  add(options: FaultOptions): Fault {
    const fault = new Fault(options);
    this.#waiting.add(fault);
    return fault;
  }

  /** The fault this request runs into, if any. */
  take(action: string): Fault | undefined {
    for (const fault of this.#waiting) {
      if (fault.action !== undefined && fault.action !== action) continue;
      if (fault.left <= 1) this.#waiting.delete(fault);
      return fault.take();
    }
    return undefined;
  }

  clear(): void {
    for (const fault of this.#waiting) fault.release();
    this.#waiting.clear();
  }
}
