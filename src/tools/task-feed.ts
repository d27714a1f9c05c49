import type { GatewayEvent } from "../contract/event.ts";

type Listener = (event: GatewayEvent) => void;

/** Tells those who follow a task of its events, as they commit. */
export class TaskFeed implements Disposable {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #unlisten: () => void;

  constructor(onCommitted: (listener: (events: readonly GatewayEvent[]) => void) => () => void) {
    this.#unlisten = onCommitted((events) => {
      if (this.#listeners.size === 0) return;
      for (const event of events) {
        for (const listener of this.#listeners.get(event.task_id ?? "") ?? []) listener(event);
      }
    });
  }

  follow(taskId: string, listener: Listener): Disposable {
    const listeners = this.#listeners.get(taskId) ?? new Set();
    this.#listeners.set(taskId, listeners.add(listener));
    return {
      [Symbol.dispose]: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#listeners.delete(taskId);
      },
    };
  }

  /**
   * Looks at a task now and after each of its events, until `accept` takes what was seen, `waitMs`
   * are over or the signal aborts. Resolves with what was seen last.
   */
  async until<Seen>(
    taskId: string,
    look: () => Promise<Seen>,
    accept: (seen: Seen) => boolean,
    { waitMs, signal }: { waitMs: number; signal: AbortSignal },
  ): Promise<Seen> {
    let changed = Promise.withResolvers<void>();
    let over = waitMs <= 0 || signal.aborted;
    const giveUp = () => {
      over = true;
      changed.resolve();
    };
    const timer = setTimeout(giveUp, waitMs);
    signal.addEventListener("abort", giveUp, { once: true });
    using _ = this.follow(taskId, () => changed.resolve());
    try {
      for (;;) {
        const seen = await look();
        if (over || accept(seen)) return seen;
        await changed.promise;
        changed = Promise.withResolvers();
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  [Symbol.dispose](): void {
    this.#unlisten();
    this.#listeners.clear();
  }
}
