import { GatewayError } from "../contract/errors.ts";
import { outsideRequests } from "../lib/request-scope.ts";
import type { Remembered, ReplayStore, SeenSignature } from "./replay-store.ts";

/** ms between tries to write down what the disk refused. */
const RETRY_MS = 2_000;
/** Signatures that may be kept in memory alone; beyond them even reading waits for the disk. */
const MOST = 100_000;

const DONE = Promise.resolve();

/**
 * Remembers signatures in the store, and where the disk refuses, those of requests without an effect
 * here until it takes them: a signature counts once, also while nothing can be written. A crash
 * before that forgets them, which can repeat a reading and nothing else.
 */
export class ReplayMemory {
  readonly #store: ReplayStore;
  readonly #most: number;
  /** Those on their way to the disk, and those it refused. */
  readonly #held = new Map<string, SeenSignature>();
  readonly #unrecorded = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: ReplayStore, most = MOST) {
    this.#store = store;
    this.#most = most;
  }

  /** As `ReplayStore.remember`; with `evenUnrecorded` a full disk is no reason to refuse. */
  async remember(signature: SeenSignature, evenUnrecorded: boolean): Promise<Remembered> {
    const name = nameOf(signature);
    if (this.#held.has(name)) return { fresh: false, durable: DONE };
    // Before the store is asked: two at the same time must not both find it unknown.
    this.#held.set(name, signature);
    let remembered: Remembered;
    try {
      remembered = await this.#store.remember(signature);
    } catch (error) {
      return this.#withoutStore(name, signature, error, evenUnrecorded);
    }
    if (!remembered.fresh) {
      this.#held.delete(name);
      return remembered;
    }
    const durable = remembered.durable.then(
      () => void this.#held.delete(name),
      (error: unknown) => this.#keep(name, error, evenUnrecorded),
    );
    return { fresh: true, durable };
  }

  /** The store could not even try: what it has is read. */
  async #withoutStore(
    name: string,
    signature: SeenSignature,
    error: unknown,
    evenUnrecorded: boolean,
  ): Promise<Remembered> {
    let isKnown: boolean;
    try {
      isKnown = evenUnrecorded && (await this.#store.has(signature));
    } catch {
      this.#held.delete(name);
      throw error;
    }
    if (isKnown) {
      this.#held.delete(name);
      return { fresh: false, durable: DONE };
    }
    this.#keep(name, error, evenUnrecorded);
    return { fresh: true, durable: DONE };
  }

  /** Throws `error` where it may not, or cannot, be kept here. */
  #keep(name: string, error: unknown, evenUnrecorded: boolean): void {
    const isFull = error instanceof GatewayError && error.code === "audit_unavailable";
    if (!evenUnrecorded || !isFull || this.#unrecorded.size >= this.#most) {
      this.#held.delete(name);
      throw error;
    }
    this.#unrecorded.add(name);
    this.#recordLater();
  }

  #recordLater(): void {
    this.#timer ??= outsideRequests(() =>
      setTimeout(() => void this.#recordAll(), RETRY_MS).unref(),
    );
  }

  async #recordAll(): Promise<void> {
    try {
      const [first, ...others] = this.#unrecorded;
      // One alone finds out whether the disk takes any.
      if (first !== undefined) await this.#record(first);
      await Promise.all(others.map((name) => this.#record(name)));
    } catch {
      // The store tells of what the disk refuses.
    }
    this.#timer = undefined;
    if (this.#unrecorded.size > 0) this.#recordLater();
  }

  async #record(name: string): Promise<void> {
    const signature = this.#held.get(name);
    if (signature !== undefined) await (await this.#store.remember(signature)).durable;
    this.#unrecorded.delete(name);
    this.#held.delete(name);
  }
}

function nameOf({ keyId, timestamp, mac }: SeenSignature): string {
  return `${timestamp} ${Buffer.from(mac).toString("latin1")} ${keyId}`;
}
