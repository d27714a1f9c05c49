export interface PictureFeedOptions {
  readonly ask: (signal: AbortSignal) => Promise<Blob>;
  /** Resolves when it is on show: the next is asked for only then. */
  readonly show: (picture: Blob) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** ms between a picture and the question for the next; at least as long as the last one took. */
const PACE_MS = 900;
/** ms after an input: what it did is to be seen, and a picture of just before counts as fresh till then. */
const HURRY_MS = 450;
const FIRST_RETRY_MS = 2000;
const MAX_RETRY_MS = 15_000;

/** Asks for one picture after the other, never two at a time, until it is closed. */
export class PictureFeed {
  readonly #options: PictureFeedOptions;
  readonly #end = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isHurried = false;
  #isPaused = false;
  #failures = 0;

  constructor(options: PictureFeedOptions) {
    this.#options = options;
    void this.#ask();
  }

  /** Something was done: the next picture comes sooner. */
  hurry(): void {
    if (this.#isAsking) this.#isHurried = true;
    else this.#wait(HURRY_MS);
  }

  /** Asks for nothing until it goes on; for a page that nobody sees. */
  pause(): void {
    this.#isPaused = true;
    clearTimeout(this.#timer);
  }

  goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isAsking) void this.#ask();
  }

  close(): void {
    this.#end.abort();
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isPaused || this.#end.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const { ask, show, onError } = this.#options;
    const { signal } = this.#end;
    const from = performance.now();
    this.#isAsking = true;
    this.#isHurried = false;
    try {
      const picture = await ask(signal);
      if (signal.aborted) return;
      await show(picture);
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      onError(error);
    } finally {
      this.#isAsking = false;
    }
    this.#wait(this.#pause(performance.now() - from));
  }

  #pause(took: number): number {
    if (this.#failures > 0) {
      return Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), MAX_RETRY_MS);
    }
    return this.#isHurried ? HURRY_MS : Math.max(PACE_MS, took);
  }
}
