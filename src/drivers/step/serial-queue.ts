import { abortError, throwIfAborted } from "./aborted.ts";

/** One piece of work at a time, in the order it was asked for. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * An abort makes it reject at once; work that has begun goes on to its own end, and whoever comes
   * next waits for that. `settle` runs after the work, before whoever comes next: the caller does
   * not wait for it, and it gets the work's error, or undefined. It must not reject.
   */
  async run<Result>(
    signal: AbortSignal,
    work: () => Promise<Result>,
    settle?: (error: unknown) => Promise<void>,
  ): Promise<Result> {
    const before = this.#last;
    let begun = false;
    const done = (async () => {
      await before;
      throwIfAborted(signal);
      begun = true;
      return await work();
    })();
    this.#last = done.then(
      () => settle?.(undefined),
      (error: unknown) => (begun ? settle?.(error) : undefined),
    );
    return await unlessAborted(done, signal);
  }

  /** Resolves when everything asked for so far is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

/** What a promise resolves with, or the abort's error if that comes first. */
export async function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(abortError(signal));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
    // Whoever lost the race has nobody else to tell.
    aborted.catch(() => {});
    promise.catch(() => {});
  }
}
