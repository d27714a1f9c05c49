import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type CountedRecord, countRecord, type DayCounts, emptyDay } from "./day-counts.ts";
import { addDuration, countOf, type Histogram, quantile } from "./histogram.ts";
import { Statistics } from "./statistics.ts";
import type { StatisticsStore } from "./statistics-store.ts";

const NOW = Date.parse("2026-03-10T12:00:00Z");
const PAGE = 3;

/** A log in memory, read a few records at a time. */
class MemoryStatisticsStore implements StatisticsStore {
  readonly records: CountedRecord[] = [];
  readonly saved = new Map<string, DayCounts>();
  counted = 0;
  reads = 0;
  fails = false;

  add(type: string, more: Partial<CountedRecord> = {}) {
    const time = more.time ?? "2026-03-10T10:00:00.000Z";
    const seq = this.records.length + 1;
    const rest = { key_id: null, via: null, planned_at: null, ...more };
    this.records.push({ seq, type, time, ...rest });
  }
  async read(after: number) {
    this.reads++;
    const records = this.records.slice(after, after + PAGE);
    const end = after + records.length;
    return { records, end, isLast: end === this.records.length };
  }
  async load() {
    return { counted: this.counted, days: structuredClone(this.saved) };
  }
  async save(counted: number, days: ReadonlyMap<string, DayCounts>, oldest: string) {
    if (this.fails) throw new Error("disk");
    this.counted = counted;
    for (const [day, counts] of days) this.saved.set(day, structuredClone(counts));
    for (const day of this.saved.keys()) if (day < oldest) this.saved.delete(day);
  }
}

const open = (store: StatisticsStore, onError = vi.fn()) =>
  new Statistics({
    store,
    onError,
    nameOf: (id) => (id === "person:olga" ? "Olga" : undefined),
    now: () => NOW,
  });

describe("Statistics", () => {
  it("counts tasks by day, and decisions by who took how long", async () => {
    const store = new MemoryStatisticsStore();
    const planned_at = "2026-03-10T10:00:00.000Z";
    const by = (key_id: string, seconds: number) => ({
      key_id,
      planned_at,
      time: new Date(Date.parse(planned_at) + seconds * 1000).toISOString(),
    });
    store.add("task.planned", { time: "2026-03-09T23:59:59.999Z" });
    store.add("task.planned");
    store.add("task.confirmed", by("person:olga", 1.5));
    store.add("task.confirmed", by("person:olga", 100));
    store.add("task.confirmed", { ...by("person:olga", 1), via: "grant" });
    store.add("task.rejected", by("approver", 0.5));
    store.add("task.rejected", { key_id: null });
    store.add("task.confirmed", { ...by("approver", 5), planned_at: null });
    store.add("task.confirmed", by("approver", -60));
    store.add("task.completed");
    store.add("step.finished");
    store.add("task.constructor");
    await using statistics = open(store);
    const view = await statistics.view(2);
    expect(view).toMatchObject({ complete: true, up_to: expect.any(String) });
    expect(view.tasks).toMatchObject([
      { day: "2026-03-09", planned: 1, completed: 0 },
      { day: "2026-03-10", planned: 1, completed: 1, rejected: 2, failed: 0 },
    ]);
    expect(view.decisions[1]).toEqual({ day: "2026-03-10", approved: 4, rejected: 1 });
    expect(view.waiting).toMatchObject({ count: 3, max_s: 100 });
    expect(view.approvers).toMatchObject([
      { key_id: "approver", decisions: 3, fastest_s: 0.5, under_two_seconds: 0 },
      { key_id: "person:olga", name: "Olga", decisions: 2, fastest_s: 1.5, under_two_seconds: 1 },
    ]);
  });

  it("looks at each record once, also after a restart, and where saving fails", async () => {
    const store = new MemoryStatisticsStore();
    for (let index = 0; index < 10; index++) store.add("task.planned");
    const onError = vi.fn();
    store.fails = true;
    {
      await using statistics = open(store, onError);
      expect((await statistics.view(1)).tasks[0]?.planned).toBe(10);
      expect(onError).toHaveBeenCalled();
      store.fails = false;
      store.add("task.planned");
      expect((await statistics.view(1)).tasks[0]?.planned).toBe(11);
      const { reads } = store;
      await statistics.view(90);
      expect(store.reads).toBe(reads + 1);
    }
    store.add("task.planned");
    await using again = open(store);
    const { reads } = store;
    expect((await again.view(1)).tasks[0]?.planned).toBe(12);
    expect(store.reads).toBe(reads + 1);
  });

  it("says that it has not come to the end, and goes on", async () => {
    const store = new MemoryStatisticsStore();
    store.add("task.planned");
    const gate = Promise.withResolvers<void>();
    const read = store.read.bind(store);
    store.read = async (after) => {
      await gate.promise;
      return read(after);
    };
    await using statistics = open(store);
    expect(await statistics.view(1)).toMatchObject({ complete: false });
    gate.resolve();
    expect(await statistics.view(1)).toMatchObject({ complete: true, tasks: [{ planned: 1 }] });
  });
});

describe("histograms", () => {
  it("give quantiles that are off by 5 % at most, however they were put together", () => {
    const durations = fc.array(fc.double({ min: 0.2, max: 2_000_000, noNaN: true }), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.05, 0.5, 0.95, 1), (all, share) => {
        const histogram: Histogram = {};
        for (const seconds of all) addDuration(histogram, seconds);
        expect(countOf(histogram)).toBe(all.length);
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0;
        const estimate = quantile(histogram, share) ?? 0;
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.06);
      }),
    );
  });
});

describe("countRecord", () => {
  it("I10 keeps a day small, whatever stands in the log", () => {
    const day = emptyDay();
    fc.assert(
      fc.property(
        fc.constantFrom("task.confirmed", "task.rejected"),
        fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString")),
        fc.string(),
        (type, key_id, planned_at) => {
          const before = day.approved + day.rejected;
          countRecord(day, { seq: 1, type, key_id, planned_at, time: "2026-01-01", via: null });
          expect(day.approved + day.rejected).toBe(before + 1);
        },
      ),
    );
    for (let index = 0; index < 2000; index++) {
      const key_id = `key-${index}`;
      const time = "2026-01-01T00:00:00.000Z";
      countRecord(day, {
        seq: 1,
        type: "task.confirmed",
        key_id,
        planned_at: time,
        time,
        via: null,
      });
    }
    expect(Object.keys(day.approvers).length).toBe(500);
    expect(day.approved).toBeGreaterThanOrEqual(2000);
  });
});
