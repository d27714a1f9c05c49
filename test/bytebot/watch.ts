/** Lets a test wait for a state without polling: whoever changes something says `changed`. */
export class Watch {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves with what the predicate gives as soon as that is neither false nor nothing. */
  waitFor<Found>(predicate: () => Found | false | undefined | null): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const check = () => {
      try {
        const found = predicate();
        if (found === false || found === undefined || found === null) return;
        resolve(found);
      } catch (error) {
        reject(error);
      }
      this.#waiting.delete(check);
    };
    this.#waiting.add(check);
    check();
    return promise;
  }
}
