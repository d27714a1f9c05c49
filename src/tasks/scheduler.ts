import { type Locks, LockTable } from "./lock-table.ts";

/** A task that waits for its turn. */
export interface Job {
  readonly taskId: string;
  /** The key that planned it: turns go round between keys. */
  readonly owner: string;
  readonly locks: Locks;
}

interface Waiting extends Job {
  readonly start: (job: Job) => void;
}

/** Locks that something other than a job asks for. */
interface Claim {
  readonly locks: Locks;
  readonly grant: () => void;
}

/** What holds locks and is no job: a person at a desktop, a plan that looks at its screen. */
export interface LockManager {
  /**
   * Takes locks without a place, before every job that waits and in order of arrival among claims.
   * Resolves once they are taken, until disposed; rejects with the signal's reason.
   */
  acquire(locks: Locks, signal: AbortSignal): Promise<Disposable>;
  /** The running task that holds a lock alone. */
  holder(lock: string): string | undefined;
}

/**
 * Decides who runs next: at most `limit()` at once, no two whose locks stand against each other, in
 * order of arrival for each key and by turns between keys. A job that waits for a lock keeps later
 * jobs off that lock, so that nobody overtakes it for ever. Claims go before jobs.
 */
export class Scheduler implements LockManager {
  readonly #limit: () => number;
  /** By the job itself: two calls that start one task at the same moment hold a place each. */
  readonly #running = new Set<Job>();
  readonly #held = new LockTable();
  /** Key → its jobs in order; the map's order is the order of turns. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #claims = new Set<Claim>();
  #closed = false;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Takes a place at once if one is free and nobody waits; the caller then starts the job. */
  reserve(job: Job): boolean {
    if (this.#closed || this.#queues.size > 0 || !this.#fits(job, this.#claimed())) return false;
    this.#take(job);
    return true;
  }

  /** Queues a job; `start` is called when its place is taken, with what gives it back. */
  enqueue(job: Job, start: (job: Job) => void): void {
    const queue = this.#queues.get(job.owner) ?? [];
    queue.push({ ...job, start });
    this.#queues.set(job.owner, queue);
    this.#pump();
  }

  /** Gives back the place that this very job took; done twice, it changes nothing. */
  release(job: Job): void {
    if (!this.#running.delete(job)) return;
    this.#held.release(job.locks);
    this.#pump();
  }

  /** Takes a waiting job out of the queue. */
  remove(taskId: string): void {
    for (const [owner, queue] of this.#queues) {
      const kept = queue.filter((job) => job.taskId !== taskId);
      if (kept.length === queue.length) continue;
      if (kept.length === 0) this.#queues.delete(owner);
      else this.#queues.set(owner, kept);
      this.#pump();
      return;
    }
  }

  async acquire(locks: Locks, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const granted = Promise.withResolvers<void>();
    const claim: Claim = { locks, grant: granted.resolve };
    const giveUp = () => {
      // Granted already where it is gone from the list: then its owner gives it back.
      if (!this.#claims.delete(claim)) return;
      granted.reject(signal.reason);
      this.#pump();
    };
    this.#claims.add(claim);
    signal.addEventListener("abort", giveUp, { once: true });
    this.#grantClaims();
    try {
      await granted.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#held.release(locks);
        this.#pump();
      },
    };
  }

  holder(lock: string): string | undefined {
    for (const { taskId, locks } of this.#running) {
      if (locks.get(lock) === "exclusive") return taskId;
    }
    return undefined;
  }

  /** How many jobs of this key wait. */
  waiting(owner: string): number {
    return this.#queues.get(owner)?.length ?? 0;
  }

  /** Starts nothing any more; what waits stays queued in the store. */
  close(): void {
    this.#closed = true;
  }

  #fits(job: Job, held: LockTable): boolean {
    return this.#running.size < this.#limit() && held.allows(job.locks);
  }

  #take(job: Job): void {
    this.#running.add(job);
    this.#held.take(job.locks);
  }

  /** What is held, and what earlier claims wait for. */
  #claimed(): LockTable {
    if (this.#claims.size === 0) return this.#held;
    const claimed = new LockTable(this.#held);
    for (const { locks } of this.#claims) claimed.take(locks);
    return claimed;
  }

  #grantClaims(): void {
    const claimed = new LockTable(this.#held);
    for (const claim of this.#claims) {
      if (claimed.allows(claim.locks)) {
        this.#claims.delete(claim);
        this.#held.take(claim.locks);
        claim.grant();
      }
      claimed.take(claim.locks);
    }
  }

  #pump(): void {
    this.#grantClaims();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#take(next);
      next.start(next);
    }
  }

  #next(): Waiting | undefined {
    if (this.#closed) return undefined;
    const claimed = new LockTable(this.#claimed());
    for (const [owner, queue] of this.#queues) {
      const index = queue.findIndex((job) => {
        if (this.#fits(job, claimed)) return true;
        claimed.take(job.locks);
        return false;
      });
      if (index < 0) continue;
      const [job] = queue.splice(index, 1);
      // To the end of the round: the next turn is another key's.
      this.#queues.delete(owner);
      if (queue.length > 0) this.#queues.set(owner, queue);
      return job;
    }
    return undefined;
  }
}
