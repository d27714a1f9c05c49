import { setTimeout as sleep } from "node:timers/promises";
import type { StatisticsView } from "../contract/operate.ts";
import { countRecord, type DayCounts, emptyDay } from "./day-counts.ts";
import type { StatisticsStore } from "./statistics-store.ts";
import { viewStatistics } from "./view-statistics.ts";

export interface StatisticsOptions {
  readonly store: StatisticsStore;
  /** The name of a person, by their key id; undefined for keys and for who is gone. */
  readonly nameOf: (keyId: string) => string | undefined;
  readonly onError: (error: unknown) => void;
  /** ms since the epoch; for tests. */
  readonly now?: () => number;
}

/** ms for others after each page, so that counting takes half of one core at most. */
const PAUSE_MS = 3;
/** How long an answer waits until everything is counted. */
const PATIENCE_MS = 1000;
/** Records after which what is counted is saved although more follow. */
const SAVE_EVERY = 100_000;
/** Counted by itself so often, so that whoever asks need not wait. */
const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
const KEPT_DAYS = 100;

/**
 * Counts the audit log a day at a time, beside all other work, and keeps the counts: each record is
 * looked at once, whoever asks and however often.
 */
export class Statistics implements AsyncDisposable {
  readonly #options: StatisticsOptions;
  readonly #now: () => number;
  readonly #end = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  /** Undefined until it is first asked for. */
  #days: Map<string, DayCounts> | undefined;
  #counted = 0;
  #upTo: string | undefined;
  /** Days that have changed since they were saved. */
  readonly #unsaved = new Set<string>();
  #isComplete = false;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => this.#begin(), EVERY_MS).unref();
  }

  /** Of so many days up to today. */
  async view(days: number): Promise<StatisticsView> {
    this.#begin();
    const patience = new AbortController();
    const over = sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([this.#running, over]);
    patience.abort();
    const names = Array.from({ length: days }, (_, ago) => this.#dayOf(days - 1 - ago));
    return {
      ...viewStatistics(names, this.#days ?? new Map(), this.#options.nameOf),
      complete: this.#isComplete,
      ...(this.#upTo !== undefined && { up_to: this.#upTo }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#end.abort();
    await this.#running;
  }

  #begin(): void {
    if (this.#end.signal.aborted) return;
    this.#running ??= this.#count()
      .catch((error: unknown) => {
        if (!this.#end.signal.aborted) this.#options.onError(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #count(): Promise<void> {
    const days = await this.#load();
    let savedAt = this.#counted;
    this.#isComplete = false;
    for (;;) {
      const { records, end, isLast } = await this.#options.store.read(this.#counted);
      // Whatever is thrown on the way, what was counted and how far go together.
      for (const record of records) {
        const day = record.time.slice(0, 10);
        const counts = days.get(day) ?? emptyDay();
        days.set(day, counts);
        countRecord(counts, record);
        this.#unsaved.add(day);
        this.#upTo = record.time;
      }
      this.#counted = end;
      this.#isComplete = isLast;
      if (isLast || this.#counted - savedAt >= SAVE_EVERY) {
        await this.#save(days);
        savedAt = this.#counted;
      }
      if (isLast) return;
      await sleep(PAUSE_MS, undefined, { signal: this.#end.signal });
    }
  }

  async #load(): Promise<Map<string, DayCounts>> {
    if (this.#days !== undefined) return this.#days;
    const { counted, days } = await this.#options.store.load();
    this.#days = new Map(days);
    this.#counted = counted;
    return this.#days;
  }

  async #save(days: Map<string, DayCounts>): Promise<void> {
    if (this.#unsaved.size === 0) return;
    const oldest = this.#dayOf(KEPT_DAYS);
    for (const day of days.keys()) if (day < oldest) days.delete(day);
    const changed = [...this.#unsaved].flatMap((day) => {
      const counts = days.get(day);
      return counts === undefined ? [] : [[day, counts] as const];
    });
    await this.#options.store.save(this.#counted, new Map(changed), oldest);
    this.#unsaved.clear();
  }

  #dayOf(ago: number): string {
    return new Date(this.#now() - ago * DAY_MS).toISOString().slice(0, 10);
  }
}
