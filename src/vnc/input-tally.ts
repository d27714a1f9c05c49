import type { InputKind } from "./viewer-message.ts";

/** How many messages of each kind were passed on, and how many dropped; never what they said. */
export type InputCounts = Readonly<Record<InputKind | "dropped", number>>;

const NOTHING: InputCounts = { pointer: 0, key: 0, clipboard: 0, dropped: 0 };

export class InputTally {
  #counts = { ...NOTHING };

  count(kind: keyof InputCounts): void {
    this.#counts[kind] += 1;
  }

  /** What was counted since the last time; undefined for nothing. */
  take(): InputCounts | undefined {
    const counts = this.#counts;
    this.#counts = { ...NOTHING };
    return Object.values(counts).some((count) => count > 0) ? counts : undefined;
  }
}
