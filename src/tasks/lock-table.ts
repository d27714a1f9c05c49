/** How a lock is held: many may share it, or one has it alone. */
export type LockMode = "shared" | "exclusive";

/** What a task holds while it runs: `desktop:main`, `path:main:/tmp/a.txt`. */
export type Locks = ReadonlyMap<string, LockMode>;

/** Who holds what, by count. */
export class LockTable {
  readonly #held: Map<string, { shared: number; exclusive: number }>;

  constructor(from?: LockTable) {
    const entries = from === undefined ? [] : [...from.#held];
    this.#held = new Map(entries.map(([name, counts]) => [name, { ...counts }]));
  }

  /** Whether these locks can be taken beside those that are held. */
  allows(locks: Locks): boolean {
    return [...locks].every(([name, mode]) => {
      const held = this.#held.get(name);
      if (held === undefined) return true;
      return mode === "shared" && held.exclusive === 0;
    });
  }

  /** Counts them as held, also where they stand against others: what waits keeps its place so. */
  take(locks: Locks): void {
    for (const [name, mode] of locks) {
      const held = this.#held.get(name) ?? { shared: 0, exclusive: 0 };
      held[mode] += 1;
      this.#held.set(name, held);
    }
  }

  /** Gives back what was taken. */
  release(locks: Locks): void {
    for (const [name, mode] of locks) {
      const held = this.#held.get(name);
      if (held === undefined) continue;
      held[mode] -= 1;
      if (held.shared + held.exclusive === 0) this.#held.delete(name);
    }
  }
}
