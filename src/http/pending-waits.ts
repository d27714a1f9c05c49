import type { ServerResponse } from "node:http";

/** The signal of requests that do not wait. */
export const NEVER: AbortSignal = new AbortController().signal;

/** Requests that wait: each gives up when its client goes or the server closes. */
export class PendingWaits {
  readonly #waits = new Map<ServerResponse, AbortController>();

  /** Aborts when the response is over or its client gone, whichever comes first. */
  signalOf(response: ServerResponse): AbortSignal {
    const known = this.#waits.get(response);
    if (known !== undefined) return known.signal;
    const wait = new AbortController();
    if (response.closed || response.destroyed) {
      wait.abort();
      return wait.signal;
    }
    this.#waits.set(response, wait);
    response.once("close", () => {
      this.#waits.delete(response);
      wait.abort();
    });
    return wait.signal;
  }

  abortAll(): void {
    for (const wait of this.#waits.values()) wait.abort();
  }
}
