/** ms of work between two turns of the event loop: others wait no longer than this. */
const SLICE_MS = 5;

/** Lets long work give way to requests: `await slices.giveWay()` between small pieces of it. */
export class Slices {
  #begun = performance.now();

  /** Resolves at once, or after a turn of the event loop where the slice is used up. */
  async giveWay(): Promise<void> {
    if (performance.now() - this.#begun < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#begun = performance.now();
  }
}
