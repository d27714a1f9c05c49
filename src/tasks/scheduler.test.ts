import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Job, Scheduler } from "./scheduler.ts";

function job(taskId: string, owner: string, ...locks: string[]): Job {
  return { taskId, owner, locks: new Set(locks) };
}

describe("Scheduler", () => {
  it("gives a place at once while there is one", () => {
    const scheduler = new Scheduler(() => 1);
    expect(scheduler.reserve(job("1", "a"))).toBe(true);
    expect(scheduler.reserve(job("2", "a"))).toBe(false);
    scheduler.release("1");
    expect(scheduler.reserve(job("2", "a"))).toBe(true);
  });

  it("I13 takes turns between keys, however many one of them queues", () => {
    const scheduler = new Scheduler(() => 1);
    const started: string[] = [];
    scheduler.reserve(job("first", "greedy"));
    for (const n of [1, 2, 3])
      scheduler.enqueue(job(`g${n}`, "greedy"), () => started.push(`g${n}`));
    for (const n of [1, 2]) scheduler.enqueue(job(`m${n}`, "modest"), () => started.push(`m${n}`));
    for (const id of ["first", "g1", "m1", "g2", "m2"]) scheduler.release(id);
    expect(started).toEqual(["g1", "m1", "g2", "m2", "g3"]);
  });

  it("keeps two holders of one lock apart and lets others pass", () => {
    const scheduler = new Scheduler(() => 5);
    const started: string[] = [];
    scheduler.reserve(job("1", "a", "desktop:main"));
    scheduler.enqueue(job("2", "a", "desktop:main"), () => started.push("2"));
    scheduler.enqueue(job("3", "a", "path:/tmp/x"), () => started.push("3"));
    expect(started).toEqual(["3"]);
    scheduler.release("1");
    expect(started).toEqual(["3", "2"]);
  });

  it("lets nobody overtake a job on the locks that job waits for", () => {
    const scheduler = new Scheduler(() => 5);
    const started: string[] = [];
    scheduler.reserve(job("1", "a", "x"));
    scheduler.enqueue(job("2", "a", "x", "y"), () => started.push("2"));
    scheduler.enqueue(job("3", "b", "y"), () => started.push("3"));
    expect(started).toEqual([]);
    scheduler.release("1");
    expect(started).toEqual(["2"]);
    scheduler.release("2");
    expect(started).toEqual(["2", "3"]);
  });

  it("starts nothing once closed and forgets what is removed", () => {
    const scheduler = new Scheduler(() => 1);
    const started: string[] = [];
    scheduler.reserve(job("1", "a"));
    scheduler.enqueue(job("2", "a"), () => started.push("2"));
    scheduler.enqueue(job("3", "a"), () => started.push("3"));
    scheduler.remove("2");
    expect(scheduler.waiting("a")).toBe(1);
    scheduler.close();
    scheduler.release("1");
    expect(started).toEqual([]);
  });

  it("runs every job once, never beyond its limit and never two on one lock", () => {
    const jobs = fc.array(
      fc.record({
        owner: fc.constantFrom("a", "b", "c"),
        locks: fc.uniqueArray(fc.constantFrom("x", "y", "z"), { maxLength: 2 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        jobs,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        (list, limit, picks) => {
          const scheduler = new Scheduler(() => limit);
          const running = new Map<string, readonly string[]>();
          const done: string[] = [];
          for (const [index, { owner, locks }] of list.entries()) {
            scheduler.enqueue(job(String(index), owner, ...locks), () => {
              const held = [...running.values()].flat();
              expect(locks.some((lock) => held.includes(lock))).toBe(false);
              running.set(String(index), locks);
              expect(running.size).toBeLessThanOrEqual(limit);
            });
          }
          while (running.size > 0) {
            const ids = [...running.keys()];
            const id = ids[picks.next().value % ids.length] ?? "";
            running.delete(id);
            done.push(id);
            scheduler.release(id);
          }
          expect(done.toSorted((a, b) => Number(a) - Number(b))).toEqual(
            list.map((_, i) => String(i)),
          );
        },
      ),
    );
  });
});
