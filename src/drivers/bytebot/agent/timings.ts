/** How often and how long things are tried, all in ms. */
export interface Timings {
  /** Between two looks at a task whose changes are not heard of. */
  readonly pollMs: number;
  /** Between two looks at a task although its changes are heard of. */
  readonly checkMs: number;
  /** Between two looks at least. */
  readonly gapMs: number;
  /** An agent that is out of reach for so long is lost. */
  readonly lostAfterMs: number;
  /** How long a task is tried to be stopped. */
  readonly stopMs: number;
  /** After which an agent that asks for help has ended its loop. */
  readonly settleMs: number;
}

export const USUAL_PACES: Timings = {
  pollMs: 1000,
  checkMs: 5000,
  gapMs: 100,
  lostAfterMs: 30_000,
  stopMs: 15_000,
  settleMs: 1000,
};
