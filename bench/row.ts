/** One line of the table: what was measured, beside what, and what it should be. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly met: boolean;
}

export interface BenchOptions {
  /** How long the soak lasts. */
  readonly seconds?: number;
}

/** Measures one thing; several rows where one run gives several figures. */
export type Bench = (report: (progress: string) => void, options?: BenchOptions) => Promise<Row[]>;

export function ratioRow(what: string, ratio: number, least: number, rates: string): Row {
  return {
    what,
    measured: `${ratio.toFixed(2)} (${rates})`,
    target: `≥ ${least}`,
    met: ratio >= least,
  };
}

export function limitRow(what: string, value: number, most: number, unit: string, note = ""): Row {
  const shown = `${value.toFixed(value < 10 ? 2 : 0)}${unit}`;
  return {
    what,
    measured: note === "" ? shown : `${shown} (${note})`,
    target: `≤ ${most}${unit}`,
    met: value <= most,
  };
}
