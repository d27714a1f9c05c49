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

/**
 * Decides who runs next: at most `limit()` at once, no two whose locks stand against each other, in
 * order of arrival for each key and by turns between keys. A job that waits for a lock keeps later
 * jobs off that lock, so that nobody overtakes it for ever.
 */
export class Scheduler {
  readonly #limit: () => number;
  /** By the job itself: two calls that start one task at the same moment hold a place each. */
  readonly #running = new Set<Job>();
  readonly #held = new LockTable();
  /** Key → its jobs in order; the map's order is the order of turns. */
  readonly #queues = new Map<string, Waiting[]>();
  #closed = false;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Takes a place at once if one is free and nobody waits; the caller then starts the job. */
  reserve(job: Job): boolean {
    if (this.#closed || this.#queues.size > 0 || !this.#fits(job, this.#held)) return false;
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

  #pump(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#take(next);
      next.start(next);
    }
  }

  #next(): Waiting | undefined {
    if (this.#closed) return undefined;
    const claimed = new LockTable(this.#held);
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
