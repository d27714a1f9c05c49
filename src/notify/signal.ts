/** Wakes one who waits; rung before, the next wait is over at once. */
export class Signal {
  #ring: (() => void) | undefined;
  #isRung = false;

  ring(): void {
    this.#isRung = true;
    this.#ring?.();
  }

  /** Until the signal rings or `ms` are over; says whether it rang. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#isRung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#ring = resolve;
      const timer = setTimeout(resolve, ms).unref();
      await promise;
      clearTimeout(timer);
      this.#ring = undefined;
    }
    const rang = this.#isRung;
    this.#isRung = false;
    return rang;
  }
}
