import type { EgressDecision } from "./egress-gate.ts";
import type { EgressTarget } from "./egress-target.ts";

interface Open {
  readonly target: EgressTarget;
  close(): void;
}

/** The connections that lead out, so that they can be ended. */
export class OpenConnections {
  readonly #open = new Set<Open>();

  get size(): number {
    return this.#open.size;
  }

  /** Returns what takes it off the list again. */
  add(target: EgressTarget, close: () => void): () => void {
    const entry = { target, close };
    this.#open.add(entry);
    return () => this.#open.delete(entry);
  }

  /** Ends those that would not be allowed any more. */
  async recheck(
    decide: (target: EgressTarget) => EgressDecision | Promise<EgressDecision>,
  ): Promise<void> {
    for (const entry of [...this.#open]) {
      if (!(await decide(entry.target)).allowed) entry.close();
    }
  }

  closeAll(): void {
    for (const entry of [...this.#open]) entry.close();
  }
}
