import type { ServerResponse } from "node:http";

/** The signal of requests that do not wait. */
export const NEVER: AbortSignal = new AbortController().signal;

/** Requests that wait for a task to finish: each gives up when its client goes or the server closes. */
export class PendingWaits {
  readonly #waits = new Set<AbortController>();

  begin(response: ServerResponse): Disposable & { readonly signal: AbortSignal } {
    const wait = new AbortController();
    const giveUp = () => wait.abort();
    this.#waits.add(wait);
    response.once("close", giveUp);
    return {
      signal: wait.signal,
      [Symbol.dispose]: () => {
        this.#waits.delete(wait);
        response.off("close", giveUp);
      },
    };
  }

  abortAll(): void {
    for (const wait of this.#waits) wait.abort();
  }
}
