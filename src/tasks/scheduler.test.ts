import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LockMode } from "./lock-table.ts";
import { type Job, Scheduler } from "./scheduler.ts";

function job(taskId: string, owner: string, ...locks: string[]): Job {
  return { taskId, owner, locks: new Map(locks.map((lock) => [lock, "exclusive"])) };
}

/** Notes whose turn came, and gives back places by task. */
class StartLog {
  readonly started: string[] = [];
  readonly #scheduler: Scheduler;
  readonly #places = new Map<string, Job>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  reserve(reserved: Job): void {
    expect(this.#scheduler.reserve(reserved)).toBe(true);
    this.#places.set(reserved.taskId, reserved);
  }

  enqueue(queued: Job): void {
    this.#scheduler.enqueue(queued, (place) => {
      this.#places.set(place.taskId, place);
      this.started.push(place.taskId);
    });
  }

  release(taskId: string): void {
    const place = this.#places.get(taskId);
    if (place === undefined) throw new Error(`${taskId} has no place`);
    this.#scheduler.release(place);
  }
}

describe("Scheduler", () => {
  it("gives a place at once while there is one", () => {
    const scheduler = new Scheduler(() => 1);
    const first = job("1", "a");
    expect(scheduler.reserve(first)).toBe(true);
    expect(scheduler.reserve(job("2", "a"))).toBe(false);
    scheduler.release(first);
    expect(scheduler.reserve(job("2", "a"))).toBe(true);
  });

  it("I13 keeps the place of a running task when another call to start it gives up its own", () => {
    const scheduler = new Scheduler(() => 2);
    const [winner, loser] = [job("1", "a"), job("1", "a")];
    expect([scheduler.reserve(winner), scheduler.reserve(loser)]).toEqual([true, true]);
    scheduler.release(loser);
    scheduler.release(loser);
    expect(scheduler.reserve(job("2", "a"))).toBe(true);
    expect(scheduler.reserve(job("3", "a"))).toBe(false);
  });

  it("I13 takes turns between keys, however many one of them queues", () => {
    const scheduler = new Scheduler(() => 1);
    const log = new StartLog(scheduler);
    log.reserve(job("first", "greedy"));
    for (const n of [1, 2, 3]) log.enqueue(job(`g${n}`, "greedy"));
    for (const n of [1, 2]) log.enqueue(job(`m${n}`, "modest"));
    for (const id of ["first", "g1", "m1", "g2", "m2"]) log.release(id);
    expect(log.started).toEqual(["g1", "m1", "g2", "m2", "g3"]);
  });

  it("keeps two holders of one lock apart and lets others pass", () => {
    const scheduler = new Scheduler(() => 5);
    const log = new StartLog(scheduler);
    log.reserve(job("1", "a", "desktop:main"));
    log.enqueue(job("2", "a", "desktop:main"));
    log.enqueue(job("3", "a", "path:/tmp/x"));
    expect(log.started).toEqual(["3"]);
    log.release("1");
    expect(log.started).toEqual(["3", "2"]);
  });

  it("lets readers share a lock, and neither side starve the other", () => {
    const scheduler = new Scheduler(() => 5);
    const started: string[] = [];
    const reader = (taskId: string, owner: string): Job => ({
      taskId,
      owner,
      locks: new Map([["x", "shared"]]),
    });
    const [first, second] = [reader("r1", "a"), reader("r2", "a")];
    expect([scheduler.reserve(first), scheduler.reserve(second)]).toEqual([true, true]);
    const jobs: Job[] = [];
    const start = (begun: Job) => {
      jobs.push(begun);
      started.push(begun.taskId);
    };
    scheduler.enqueue(job("w", "a", "x"), start);
    scheduler.enqueue(reader("r3", "b"), start);
    scheduler.release(first);
    // The writer waits for the second reader, and the third one for the writer.
    expect(started).toEqual([]);
    scheduler.release(second);
    expect(started).toEqual(["w"]);
    for (const writer of [...jobs]) scheduler.release(writer);
    expect(started).toEqual(["w", "r3"]);
  });

  it("lets nobody overtake a job on the locks that job waits for", () => {
    const scheduler = new Scheduler(() => 5);
    const log = new StartLog(scheduler);
    log.reserve(job("1", "a", "x"));
    log.enqueue(job("2", "a", "x", "y"));
    log.enqueue(job("3", "b", "y"));
    expect(log.started).toEqual([]);
    log.release("1");
    expect(log.started).toEqual(["2"]);
    log.release("2");
    expect(log.started).toEqual(["2", "3"]);
  });

  it("starts nothing once closed and forgets what is removed", () => {
    const scheduler = new Scheduler(() => 1);
    const log = new StartLog(scheduler);
    log.reserve(job("1", "a"));
    log.enqueue(job("2", "a"));
    log.enqueue(job("3", "a"));
    scheduler.remove("2");
    expect(scheduler.waiting("a")).toBe(1);
    scheduler.close();
    log.release("1");
    expect(log.started).toEqual([]);
  });

  it("runs every job once, never beyond its limit and never a holder beside one who has the lock alone", () => {
    const jobs = fc.array(
      fc.record({
        owner: fc.constantFrom("a", "b", "c"),
        locks: fc.dictionary(
          fc.constantFrom("x", "y", "z"),
          fc.constantFrom<LockMode>("shared", "exclusive"),
          { maxKeys: 2 },
        ),
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
          const running = new Map<string, Job>();
          const done: string[] = [];
          for (const [index, { owner, locks }] of list.entries()) {
            const asked = { taskId: String(index), owner, locks: new Map(Object.entries(locks)) };
            scheduler.enqueue(asked, (place) => {
              for (const [name, held] of [...running.values()].flatMap(({ locks }) => [...locks])) {
                const modes = [held, asked.locks.get(name) ?? "shared"];
                if (asked.locks.has(name)) expect(modes).toEqual(["shared", "shared"]);
              }
              running.set(String(index), place);
              expect(running.size).toBeLessThanOrEqual(limit);
            });
          }
          while (running.size > 0) {
            const ids = [...running.keys()];
            const id = ids[picks.next().value % ids.length] ?? "";
            const place = running.get(id);
            running.delete(id);
            done.push(id);
            if (place !== undefined) scheduler.release(place);
          }
          expect(done.toSorted((a, b) => Number(a) - Number(b))).toEqual(
            list.map((_, i) => String(i)),
          );
        },
      ),
    );
  });
});

describe("claims", () => {
  const NEVER = new AbortController().signal;
  const takeover = new Map<string, LockMode>([
    ["desktop:a", "exclusive"],
    ["look:a", "exclusive"],
  ]);
  const look = new Map<string, LockMode>([["look:a", "shared"]]);

  it("takes no place, and keeps jobs off its locks alone", async () => {
    const scheduler = new Scheduler(() => 1);
    const log = new StartLog(scheduler);
    const claim = await scheduler.acquire(takeover, NEVER);
    log.enqueue(job("1", "a", "desktop:a"));
    log.enqueue(job("2", "a", "desktop:b"));
    expect(log.started).toEqual(["2"]);
    log.release("2");
    claim[Symbol.dispose]();
    expect(log.started).toEqual(["2", "1"]);
    claim[Symbol.dispose]();
    log.enqueue(job("3", "a", "desktop:a"));
    expect(log.started).toEqual(["2", "1"]);
  });

  it("waits for what is held, before every job that waits", async () => {
    const scheduler = new Scheduler(() => 5);
    const log = new StartLog(scheduler);
    log.reserve(job("1", "a", "desktop:a"));
    expect(scheduler.holder("desktop:a")).toBe("1");
    log.enqueue(job("2", "a", "desktop:a"));
    const claimed = scheduler.acquire(takeover, NEVER);
    expect(scheduler.reserve(job("3", "a", "desktop:a"))).toBe(false);
    log.release("1");
    const claim = await claimed;
    expect(log.started).toEqual([]);
    expect(scheduler.holder("desktop:a")).toBeUndefined();
    claim[Symbol.dispose]();
    expect(log.started).toEqual(["2"]);
  });

  it("shares what is asked for shared, but lets nobody overtake a claim that waits", async () => {
    const scheduler = new Scheduler(() => 5);
    const looks = await Promise.all([
      scheduler.acquire(look, NEVER),
      scheduler.acquire(look, NEVER),
    ]);
    const order: string[] = [];
    const taken = scheduler.acquire(takeover, NEVER).then((claim) => {
      order.push("takeover");
      return claim;
    });
    const late = scheduler.acquire(look, NEVER).then(() => order.push("look"));
    for (const held of looks) held[Symbol.dispose]();
    (await taken)[Symbol.dispose]();
    await late;
    expect(order).toEqual(["takeover", "look"]);
  });

  it("that is given up leaves nothing behind", async () => {
    const scheduler = new Scheduler(() => 5);
    const log = new StartLog(scheduler);
    log.reserve(job("1", "a", "desktop:a"));
    const stop = new AbortController();
    const claimed = scheduler.acquire(takeover, stop.signal);
    const later = scheduler.acquire(look, NEVER);
    stop.abort(new Error("given up"));
    await expect(claimed).rejects.toThrow("given up");
    (await later)[Symbol.dispose]();
    log.release("1");
    expect(scheduler.reserve(job("2", "a", "desktop:a"))).toBe(true);
    await expect(scheduler.acquire(look, stop.signal)).rejects.toThrow("given up");
  });
});
