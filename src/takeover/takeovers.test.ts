import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import { desktopLock } from "../tasks/desktop-locks.ts";
import { Desktops } from "../tasks/desktops.ts";
import type { Driver } from "../tasks/driver.ts";
import { Handovers } from "../tasks/execute/handovers.ts";
import { Scheduler } from "../tasks/scheduler.ts";
import type { Holder } from "./lease.ts";
import { Takeovers } from "./takeovers.ts";

const OLGA: Holder = { keyId: "person:olga", personId: "olga", name: "Olga", sessionId: "s1" };
const OTTO: Holder = { keyId: "person:otto", personId: "otto", name: "Otto", sessionId: "s2" };

/** Takeovers over a store that can be made to refuse, and a driver that takes note. */
class Bench {
  readonly records: AuditDraft[] = [];
  readonly errors: unknown[] = [];
  readonly recovered: number[] = [];
  readonly scheduler = new Scheduler(() => 5);
  setting: string | undefined;
  stopped = false;
  signedOut = new Set<string>();
  /** Called before each write; rejects where it does. */
  beforeWrite: () => Promise<void> = async () => {};
  readonly takeovers: Takeovers;

  constructor(setting?: string) {
    this.setting = setting;
    const driver = { recover: (_steps: unknown, at: number) => this.recovered.push(at) };
    this.takeovers = new Takeovers({
      settings: {
        get: async () => this.setting,
        set: async (_name, value, { audit }) => {
          await this.beforeWrite();
          this.setting = value;
          this.records.push(...audit);
        },
      },
      lockManager: this.scheduler,
      desktops: new Desktops([{ name: "main", driver: driver as unknown as Driver, keys: null }]),
      handovers: new Handovers(),
      stopped: () => this.stopped,
      isSignedIn: (sessionId) => !this.signedOut.has(sessionId),
      onError: (error) => this.errors.push(error),
    });
  }

  get log(): string[] {
    return this.records.map(({ type, details }) => `${type} ${details?.reason ?? ""}`.trim());
  }

  /** Whether a task could act on the desktop. */
  get isFree(): boolean {
    const locks = new Map([[desktopLock("main"), "exclusive"]] as const);
    const job = { taskId: "t", owner: "o", locks };
    const took = this.scheduler.reserve(job);
    this.scheduler.release(job);
    return took;
  }
}

const denial = new GatewayError("audit_unavailable", "full");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a lease", () => {
  test("ends by itself, at its time and not before", async () => {
    const bench = new Bench();
    const lease = await bench.takeovers.take("main", OLGA, 2);
    expect(lease.until).toBe(Date.now() + 120_000);
    await vi.advanceTimersByTimeAsync(119_999);
    expect(bench.takeovers.of("main", "s1")).toBe(lease);
    expect(bench.isFree).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(lease.signal.aborted).toBe(true);
    expect(bench.takeovers.find("main")).toBeUndefined();
    expect(bench.isFree).toBe(true);
    expect(bench.log).toEqual(["desktop.taken_over", "desktop.returned expired"]);
    expect(bench.setting).toBe("[]");
  });

  test("is renewed from now, and its old end means nothing", async () => {
    const bench = new Bench();
    const lease = await bench.takeovers.take("main", OLGA, 1);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(await bench.takeovers.take("main", OLGA, 1)).toBe(lease);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(lease.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(lease.signal.aborted).toBe(true);
  });

  test("what is under way at its end comes before others, for so long", async () => {
    const bench = new Bench();
    const lease = await bench.takeovers.take("main", OLGA, 1);
    lease.onEnd(() => new Promise(() => {}));
    const returned = bench.takeovers.giveBack("main", OLGA);
    expect(bench.takeovers.find("main")).toBeUndefined();
    expect(bench.isFree).toBe(false);
    await expect(bench.takeovers.take("main", OTTO, 1)).rejects.toMatchObject({
      code: "state_changed",
    });
    await vi.advanceTimersByTimeAsync(5000);
    expect(await returned).toBe(true);
    expect(bench.isFree).toBe(true);
  });
});

describe("I6 the record", () => {
  test("comes first: where it cannot be written nobody has the desktop", async () => {
    const bench = new Bench();
    bench.beforeWrite = () => Promise.reject(denial);
    const taken = bench.takeovers.take("main", OLGA, 1);
    await expect(taken).rejects.toBe(denial);
    expect(bench.takeovers.find("main")).toBeUndefined();
    bench.beforeWrite = async () => {};
    await vi.advanceTimersByTimeAsync(5000);
    expect(bench.isFree).toBe(true);
    expect(bench.log).toEqual(["desktop.returned not_recorded"]);
    expect((await bench.takeovers.take("main", OTTO, 1)).holder).toBe(OTTO);
  });

  test("no input passes before it is there", async () => {
    const bench = new Bench();
    const gate = Promise.withResolvers<void>();
    bench.beforeWrite = () => gate.promise;
    const taken = bench.takeovers.take("main", OLGA, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.takeovers.of("main", "s1")).toBeUndefined();
    expect(bench.takeovers.isOthers("main", OTTO.keyId)).toBe(true);
    gate.resolve();
    const lease = await taken;
    expect(bench.takeovers.of("main", "s1")).toBe(lease);
  });

  test("of the end is written however long the disk refuses, while others go on", async () => {
    const bench = new Bench();
    await bench.takeovers.take("main", OLGA, 1);
    bench.beforeWrite = () => Promise.reject(denial);
    void bench.takeovers.giveBack("main", OLGA);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(bench.isFree).toBe(true);
    expect(bench.errors.length).toBeGreaterThan(1);
    bench.beforeWrite = async () => {};
    await vi.advanceTimersByTimeAsync(1000);
    expect(bench.log).toEqual(["desktop.taken_over", "desktop.returned returned"]);
  });
});

describe("what comes in between", () => {
  test.each<[string, (bench: Bench) => void, string]>([
    [
      "a stop",
      (bench) => {
        bench.stopped = true;
        bench.takeovers.endAll("stopped", "approver");
      },
      "stopped",
    ],
    [
      "a sign-out",
      (bench) => {
        bench.signedOut.add("s1");
        bench.takeovers.endSession("s1");
      },
      "signed_out",
    ],
    [
      "a revocation",
      (bench) => {
        bench.signedOut.add("s1");
        bench.takeovers.endPerson(OLGA.keyId);
      },
      "revoked",
    ],
  ])("%s while the takeover is written down ends it", async (_what, happen, reason) => {
    const bench = new Bench();
    const gate = Promise.withResolvers<void>();
    bench.beforeWrite = () => gate.promise;
    const taken = bench.takeovers.take("main", OLGA, 1);
    taken.catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    happen(bench);
    gate.resolve();
    await expect(taken).rejects.toBeInstanceOf(GatewayError);
    await vi.advanceTimersByTimeAsync(5000);
    expect(bench.takeovers.find("main")).toBeUndefined();
    expect(bench.isFree).toBe(true);
    expect(bench.log).toEqual(["desktop.taken_over", `desktop.returned ${reason}`]);
  });

  test("a stop ends it in the same moment", async () => {
    const bench = new Bench();
    const lease = await bench.takeovers.take("main", OLGA, 60);
    bench.stopped = true;
    bench.takeovers.endAll("stopped", "approver");
    expect(lease.signal.aborted).toBe(true);
    expect(bench.takeovers.of("main", "s1")).toBeUndefined();
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.records.at(-1)?.key_id).toBe("approver");
    await expect(bench.takeovers.take("main", OLGA, 1)).rejects.toMatchObject({ code: "stopped" });
  });
});

test("what an earlier run left is ended, recorded, and its keys let go of", async () => {
  const bench = new Bench(
    '[{"desktop":"main","person_id":"olga"},{"desktop":"gone","person_id":"x"}]',
  );
  await bench.takeovers.recover();
  expect(bench.log).toEqual(["desktop.returned restart", "desktop.returned restart"]);
  expect(bench.recovered.length).toBe(1);
  expect(bench.setting).toBe("[]");
  await bench.takeovers.recover();
  expect(bench.records.length).toBe(2);
});
