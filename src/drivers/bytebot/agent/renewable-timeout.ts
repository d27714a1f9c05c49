import { setTimeout as sleep } from "node:timers/promises";
import { abortError, throwIfAborted } from "../../step/aborted.ts";

/** A sleep that can be cut short, but never below a gap: rung without end, it still rests. */
export class RenewableTimeout {
  readonly #gapMs: number;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves after `duration` ms, or as soon as it was rung since the last time. */
  async sleep(duration: number, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const cut = new AbortController();
    this.#wake = () => cut.abort();
    try {
      await sleep(this.#gapMs, undefined, { signal });
      if (this.#rung) return;
      const either = AbortSignal.any([signal, cut.signal]);
      await sleep(Math.max(0, duration - this.#gapMs), undefined, { signal: either });
    } catch {
      if (signal.aborted) throw abortError(signal);
    } finally {
      this.#wake = undefined;
      this.#rung = false;
    }
  }
}
