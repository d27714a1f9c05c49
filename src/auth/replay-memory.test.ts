import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { GatewayError } from "../contract/errors.ts";
import { ReplayMemory } from "./replay-memory.ts";
import type { Remembered, ReplayStore, SeenSignature } from "./replay-store.ts";

const FULL = new GatewayError("audit_unavailable", "the disk is full");

/** A store whose disk can be full: at once, or only when it comes to the commit. */
class FillingStore implements ReplayStore {
  full: "never" | "at once" | "at commit" = "never";
  readonly kept = new Set<string>();

  async remember(signature: SeenSignature): Promise<Remembered> {
    if (this.full === "at once") throw FULL;
    const name = nameOf(signature);
    const fresh = !this.kept.has(name);
    if (this.full === "at commit") {
      const durable = Promise.reject(FULL);
      durable.catch(() => {});
      return { fresh, durable };
    }
    this.kept.add(name);
    return { fresh, durable: Promise.resolve() };
  }

  async has(signature: SeenSignature): Promise<boolean> {
    return this.kept.has(nameOf(signature));
  }

  async prune(): Promise<void> {}
}

function nameOf({ mac }: SeenSignature): string {
  return Buffer.from(mac).toString("hex");
}

function signature(): SeenSignature {
  return { keyId: "default", timestamp: 1, mac: randomBytes(32), forgetAt: 2 };
}

let store: FillingStore;
let memory: ReplayMemory;
beforeEach(() => {
  store = new FillingStore();
  memory = new ReplayMemory(store, 2);
});

/** Whether it was fresh, once it is as safe as it gets. */
async function isFresh(seen: SeenSignature, evenUnrecorded: boolean): Promise<boolean> {
  const { fresh, durable } = await memory.remember(seen, evenUnrecorded);
  if (fresh) await durable;
  return fresh;
}

describe.each(["at once", "at commit"] as const)("I9 a disk that refuses %s", (when) => {
  it("lets a reading through once, and the store has it in the end", async () => {
    vi.useFakeTimers();
    try {
      const [earlier, seen] = [signature(), signature()];
      expect(await isFresh(earlier, true)).toBe(true);
      store.full = when;
      expect(await isFresh(earlier, true)).toBe(false);
      expect(await isFresh(seen, true)).toBe(true);
      expect(await isFresh(seen, true)).toBe(false);
      // Whatever it comes with again.
      expect(await isFresh(seen, false)).toBe(false);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(store.kept.has(nameOf(seen))).toBe(false);
      store.full = "never";
      expect(await isFresh(seen, true)).toBe(false);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(store.kept.has(nameOf(seen))).toBe(true);
      expect(await isFresh(seen, true)).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it("refuses what has an effect, which may come again later", async () => {
    const seen = signature();
    store.full = when;
    await expect(isFresh(seen, false)).rejects.toBe(FULL);
    store.full = "never";
    expect(await isFresh(seen, false)).toBe(true);
  });

  it("keeps so many and no more", async () => {
    store.full = when;
    expect(await isFresh(signature(), true)).toBe(true);
    expect(await isFresh(signature(), true)).toBe(true);
    await expect(isFresh(signature(), true)).rejects.toBe(FULL);
  });
});
