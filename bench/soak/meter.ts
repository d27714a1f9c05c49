/** One answer: when its request was sent and how long it took to read it to its end, ms. */
interface Sample {
  readonly kind: string;
  readonly sent: number;
  readonly ms: number;
  readonly outcome: string;
}

export interface KindSummary {
  readonly kind: string;
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** How often each outcome came: a status, a status with its error code, `lost`. */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** Of all answers that were sent for within ten seconds. */
export interface Window {
  /** Seconds since the beginning. */
  readonly from: number;
  readonly count: number;
  readonly p95: number;
}

const WINDOW_S = 10;

/** What came of every request, and how long it took. */
export class Meter {
  readonly #begun = performance.now();
  readonly #samples: Sample[] = [];
  /** Kinds that take as long as their task does, or until a person decides. */
  readonly #patient = new Set<string>();
  readonly #unexpected = new Map<string, number>();

  /** Marks a kind whose answers wait on purpose: they are shown, and no target holds for them. */
  waitsOnPurpose(kind: string): void {
    this.#patient.add(kind);
  }

  record(kind: string, sent: number, outcome: string, expected: boolean): void {
    this.#samples.push({ kind, sent, ms: performance.now() - sent, outcome });
    if (!expected) this.complain(`${kind}: ${outcome}`);
  }

  /** Something was not as it must be. */
  complain(what: string): void {
    this.#unexpected.set(what, (this.#unexpected.get(what) ?? 0) + 1);
  }

  get unexpected(): ReadonlyMap<string, number> {
    return this.#unexpected;
  }

  get answers(): number {
    return this.#samples.length;
  }

  /** Slowest 95 of 100 first. */
  kinds(): KindSummary[] {
    const groups = Map.groupBy(this.#samples, ({ kind }) => kind);
    return [...groups]
      .map(([kind, samples]) => summarise(kind, samples))
      .sort((a, b) => b.p95 - a.p95);
  }

  isPatient(kind: string): boolean {
    return this.#patient.has(kind);
  }

  /** 95 of 100 answers took at most so long, ms; those that wait on purpose are left out. */
  p95(): number {
    return quantile(sorted(this.#prompt()), 0.95);
  }

  windows(): Window[] {
    const groups = Map.groupBy(this.#prompt(), ({ sent }) =>
      Math.floor((sent - this.#begun) / 1000 / WINDOW_S),
    );
    return [...groups]
      .map(([index, samples]) => ({
        from: index * WINDOW_S,
        count: samples.length,
        p95: quantile(sorted(samples), 0.95),
      }))
      .sort((a, b) => a.from - b.from);
  }

  #prompt(): Sample[] {
    return this.#samples.filter(({ kind }) => !this.#patient.has(kind));
  }
}

function summarise(kind: string, samples: readonly Sample[]): KindSummary {
  const times = sorted(samples);
  const outcomes = new Map<string, number>();
  for (const { outcome } of samples) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  return {
    kind,
    count: samples.length,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    max: times.at(-1) ?? Number.NaN,
    outcomes,
  };
}

function sorted(samples: readonly Sample[]): number[] {
  return samples.map(({ ms }) => ms).sort((a, b) => a - b);
}

function quantile(sortedTimes: readonly number[], share: number): number {
  return sortedTimes[Math.ceil(sortedTimes.length * share) - 1] ?? Number.NaN;
}
