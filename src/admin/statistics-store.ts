import type { CountedRecord, DayCounts } from "./day-counts.ts";

export interface CountedPage {
  /** Those that may count, oldest first. */
  readonly records: readonly CountedRecord[];
  /** The seq the page ends with: read on after it. */
  readonly end: number;
  /** Nothing follows that is on disk. */
  readonly isLast: boolean;
}

/** The audit log as statistics read it, and what they have counted. */
export interface StatisticsStore {
  read(after: number): Promise<CountedPage>;
  /** How far the log was counted when `days` was saved. */
  load(): Promise<{ counted: number; days: ReadonlyMap<string, DayCounts> }>;
  /** All or nothing; days before `oldest` are forgotten. */
  save(counted: number, days: ReadonlyMap<string, DayCounts>, oldest: string): Promise<void>;
}
