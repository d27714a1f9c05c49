import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MemoryEventStore } from "../../test/support/events/test-event-store.ts";
import type { EventDraft } from "../contract/event.ts";
import { EventHub } from "./event-hub.ts";
import type { EventSink } from "./subscription.ts";

/** A reader that takes everything at once until it is stalled. */
class Reader implements EventSink {
  text = "";
  ended = false;
  dropped = false;
  stalled = false;
  writes: Uint8Array[] = [];
  #unread = 0;
  #resume: (() => void) | undefined;

  write(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
    this.writes.push(bytes);
    if (this.stalled) this.#unread += bytes.length;
  }
  unread(): number {
    return this.#unread;
  }
  onceDrained(resume: () => void): void {
    this.#resume = resume;
  }
  drain(): void {
    this.#unread = 0;
    this.#resume?.();
  }
  end(): void {
    this.ended = true;
  }
  drop(): void {
    this.dropped = true;
  }
  get ids(): number[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  }
}

function draft(options: Partial<EventDraft> = {}): EventDraft {
  return {
    event: "task_progress",
    task_id: "task_a",
    owner: "alice",
    timestamp: "2026-01-01T00:00:00.000Z",
    data: { progress: 50, message: "half\nway" },
    ...options,
  };
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe("backfill → cut-over → live", () => {
  it("has neither gap nor repeat, however commits, announcements and reads interleave", async () => {
    const action = fc.constantFrom(
      "commit",
      "quietly",
      "announce",
      "turn",
      "drain",
    ) as fc.Arbitrary<"commit" | "quietly" | "announce" | "turn" | "drain">;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(300),
        fc.nat(320),
        fc.array(action, { minLength: 5, maxLength: 60 }),
        fc.array(fc.nat(3), { maxLength: 10 }),
        fc.boolean(),
        async (history, after, actions, pauses, stall) => {
          const store = new MemoryEventStore();
          for (let count = 0; count < history; count++) store.commit(draft());
          store.pause = async () => {
            for (let turns = pauses.pop() ?? 0; turns > 0; turns--) await turn();
          };
          using hub = new EventHub(store);
          const reader = new Reader();
          hub.subscribe(reader, { after, filter: {}, view: "full" });
          for (const name of actions) {
            if (name === "commit") store.commit(draft(), draft());
            else if (name === "quietly") store.commitQuietly(draft());
            else if (name === "announce") store.announce();
            else if (name === "turn") await turn();
            else {
              reader.stalled = stall && !reader.stalled;
              if (!reader.stalled) reader.drain();
            }
          }
          reader.stalled = false;
          reader.drain();
          store.announce();
          const last = await store.lastId();
          const expected = last > after ? upTo(last, Math.min(after, history) + 1) : [];
          await vi.waitFor(() => {
            reader.drain();
            if (after <= history) expect(reader.ids).toEqual(expected);
          });
          // An id from the future begins at whatever was newest when the stream opened.
          if (after > history) {
            const [first = last + 1] = reader.ids;
            await vi.waitFor(() => expect(reader.ids).toEqual(upTo(last, first)));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("follows events that commit faster than pages are read", async () => {
    const store = new MemoryEventStore();
    for (let count = 0; count < 500; count++) store.commit(draft());
    let reads = 0;
    store.pause = async () => {
      if (++reads < 12) for (let count = 0; count < 300; count++) store.commit(draft());
      await turn();
    };
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { after: 0, filter: {}, view: "redacted" });
    await vi.waitFor(async () => expect(reader.ids.length).toBe(await store.lastId()));
    store.commit(draft());
    expect(reader.ids).toEqual(upTo(500 + 11 * 300 + 1));
  });

  it("I10 lets others have their turn while a long history is read", async () => {
    const store = new MemoryEventStore();
    for (let count = 0; count < 500; count++) store.commit(draft());
    const reader = new Reader();
    store.pause = async () => {
      for (const begun = performance.now(); performance.now() - begun < 15; );
    };
    using _ = new EventHub(store).subscribe(reader, { after: 0, filter: {}, view: "full" });
    await turn();
    expect(reader.ids.length).toBeLessThan(500);
    while (reader.ids.length < 500) await turn();
    expect(reader.ids).toEqual(upTo(500));
  });

  it("sends only what is to come when no place is named", async () => {
    const store = new MemoryEventStore();
    store.commit(draft(), draft());
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { filter: {}, view: "full" });
    store.commit(draft());
    expect(reader.ids).toEqual([3]);
  });

  it("begins with the newest where the place named is beyond it", async () => {
    const store = new MemoryEventStore();
    store.commit(draft());
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { after: 1_000_000, filter: {}, view: "full" });
    await turn();
    store.commit(draft());
    expect(reader.ids).toEqual([2]);
  });

  it("filters by task and by owner, and lets everyone see the gateway's own events", async () => {
    const store = new MemoryEventStore();
    const all = [
      draft(),
      draft({ task_id: "task_b", owner: "bob" }),
      draft({ event: "gateway_stopped", task_id: null, owner: null, data: {} }),
    ];
    store.commit(...all);
    using hub = new EventHub(store);
    const alice = new Reader();
    const taskB = new Reader();
    hub.subscribe(alice, { after: 0, filter: { owner: "alice" }, view: "full" });
    hub.subscribe(taskB, { after: 0, filter: { taskId: "task_b" }, view: "full" });
    await turn();
    store.commit(...all);
    expect(alice.ids).toEqual([1, 3, 4, 6]);
    expect(taskB.ids).toEqual([2, 5]);
  });
});

describe("on the wire", () => {
  it("is one id and one line of data, with no event field", () => {
    const store = new MemoryEventStore();
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { filter: {}, view: "full" });
    store.commit(draft({ data: { message: "a\r\nid: 9\n\ndata: x", event: "forged" } }));
    const [id, data, ...rest] = reader.text.split("\n");
    expect(id).toBe("id: 1");
    expect(rest).toEqual(["", ""]);
    expect(Object.entries(JSON.parse(data?.replace("data: ", "") ?? ""))).toEqual([
      ["event", "task_progress"],
      ["task_id", "task_a"],
      ["timestamp", "2026-01-01T00:00:00.000Z"],
      ["message", "a\r\nid: 9\n\ndata: x"],
    ]);
  });

  it("I7 shows anonymous subscribers name, task, time and progress, nothing else", () => {
    const store = new MemoryEventStore();
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { filter: {}, view: "redacted" });
    store.commit(
      draft({ data: { progress: 5, message: "secret", result: { content: "secret" } } }),
    );
    expect(JSON.parse(reader.text.split("data: ")[1] ?? "")).toEqual({
      event: "task_progress",
      task_id: "task_a",
      timestamp: "2026-01-01T00:00:00.000Z",
      progress: 5,
    });
  });

  it("is encoded once a view, for a thousand subscribers", () => {
    const store = new MemoryEventStore();
    using hub = new EventHub(store);
    const readers = Array.from({ length: 1000 }, () => new Reader());
    for (const [index, reader] of readers.entries()) {
      hub.subscribe(reader, { filter: {}, view: index % 2 === 0 ? "full" : "redacted" });
    }
    store.commit(draft());
    expect(new Set(readers.flatMap(({ writes }) => writes)).size).toBe(2);
  });
});

describe("I10 slow readers", () => {
  it("are dropped once more than 256 KB are unread, and slow nobody", () => {
    const store = new MemoryEventStore();
    using hub = new EventHub(store);
    const stalled = new Reader();
    stalled.stalled = true;
    const other = new Reader();
    hub.subscribe(stalled, { filter: {}, view: "full" });
    hub.subscribe(other, { filter: {}, view: "full" });
    const big = draft({ data: { message: "x".repeat(60 * 1024) } });
    for (let count = 0; count < 8; count++) store.commit(big);
    expect(stalled.dropped).toBe(true);
    expect(stalled.ids).toEqual([1, 2, 3, 4, 5]);
    expect(other.ids).toEqual(upTo(8));
    expect(hub.size).toBe(1);
  });

  it("are not dropped for a long history: the backfill waits for them", async () => {
    const store = new MemoryEventStore();
    for (let count = 0; count < 40; count++) {
      store.commit(draft({ data: { message: "x".repeat(20 * 1024) } }));
    }
    using hub = new EventHub(store);
    const reader = new Reader();
    reader.stalled = true;
    hub.subscribe(reader, { after: 0, filter: {}, view: "full" });
    await vi.waitFor(() => {
      reader.drain();
      expect(reader.ids).toEqual(upTo(40));
    });
    expect(reader.dropped).toBe(false);
  });

  it("are dropped when they take nothing for four heartbeats, others get a comment each", () => {
    vi.useFakeTimers();
    try {
      const store = new MemoryEventStore();
      using hub = new EventHub(store);
      const stalled = new Reader();
      stalled.stalled = true;
      const other = new Reader();
      hub.subscribe(stalled, { filter: {}, view: "full" });
      hub.subscribe(other, { filter: {}, view: "full" });
      store.commit(draft());
      vi.advanceTimersByTime(15_000 * 5);
      expect(stalled.dropped).toBe(true);
      expect(other.dropped).toBe(false);
      expect(other.text.match(/^: /gm)).toHaveLength(5);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("the end of a stream", () => {
  it("I15 comes with the end of its key, for no other", () => {
    const store = new MemoryEventStore();
    using hub = new EventHub(store);
    const revoked = new Reader();
    const other = new Reader();
    const anonymous = new Reader();
    const onClosed = vi.fn();
    hub.subscribe(revoked, { filter: {}, view: "full", keyId: "alice", onClosed });
    hub.subscribe(other, { filter: {}, view: "full", keyId: "bob" });
    hub.subscribe(anonymous, { filter: {}, view: "redacted" });
    hub.closeKey("alice");
    store.commit(draft());
    expect([revoked.ended, other.ended, anonymous.ended]).toEqual([true, false, false]);
    expect(onClosed).toHaveBeenCalledOnce();
    expect([revoked.ids, other.ids, anonymous.ids]).toEqual([[], [1], [1]]);
    hub.closeAnonymous();
    expect([other.ended, anonymous.ended]).toEqual([false, true]);
  });

  it("comes in the middle of a backfill, too", async () => {
    const store = new MemoryEventStore();
    store.commit(draft());
    const { promise, resolve } = Promise.withResolvers<void>();
    store.pause = () => promise;
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { after: 0, filter: {}, view: "full", keyId: "alice" });
    await turn();
    hub.closeKey("alice");
    resolve();
    await turn();
    store.commit(draft());
    expect(reader.ended).toBe(true);
    expect(reader.text).toBe("");
  });

  it("comes to all at shutdown, and to whoever subscribes later", () => {
    const store = new MemoryEventStore();
    const hub = new EventHub(store);
    const early = new Reader();
    const late = new Reader();
    hub.subscribe(early, { filter: {}, view: "full" });
    hub.close();
    hub.subscribe(late, { after: 0, filter: {}, view: "full" });
    store.commit(draft());
    expect([early.ended, late.ended, hub.size]).toEqual([true, true, 0]);
    expect([early.text, late.text]).toEqual(["", ""]);
  });

  it("leaves a reader that has gone alone", () => {
    const store = new MemoryEventStore();
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { filter: {}, view: "full" })[Symbol.dispose]();
    store.commit(draft());
    expect([reader.ended, reader.dropped, reader.text, hub.size]).toEqual([false, false, "", 0]);
  });

  it("is a drop, and reported, where the store fails", async () => {
    const store = new MemoryEventStore();
    store.commit(draft());
    store.pause = () => Promise.reject(new Error("disk"));
    const onError = vi.fn();
    using hub = new EventHub(store, { onError });
    const reader = new Reader();
    hub.subscribe(reader, { after: 0, filter: {}, view: "full" });
    await vi.waitFor(() => expect(reader.dropped).toBe(true));
    expect(onError).toHaveBeenCalledOnce();
    expect(hub.size).toBe(0);
  });
});

describe("I10 strangers", () => {
  it("are told of the newest past alone, in pages that are read once for all of them", async () => {
    const store = new MemoryEventStore();
    store.commit(...Array.from({ length: 3000 }, () => draft()));
    const read = vi.spyOn(store, "read");
    using hub = new EventHub(store);
    const readers = Array.from({ length: 100 }, () => new Reader());
    for (const reader of readers) hub.subscribe(reader, { after: 0, filter: {}, view: "redacted" });
    const first = Math.floor((3000 - 1000) / 128) * 128 + 1;
    for (const reader of readers) {
      await vi.waitFor(() => expect(reader.ids).toEqual(upTo(3000, first)));
      // A write for each event would be a thousand.
      expect(reader.writes.length).toBeLessThan(30);
    }
    // The full pages at most once in each turn that asked for them, the end by each.
    const ofFullPages = read.mock.calls.filter(([after]) => after < 2944);
    expect(ofFullPages.length).toBeLessThan(readers.length * 2);
    store.commit(draft());
    expect(readers[0]?.ids.at(-1)).toBe(3001);
  });

  it("with a key are told of all of it", async () => {
    const store = new MemoryEventStore();
    store.commit(...Array.from({ length: 3000 }, () => draft()));
    using hub = new EventHub(store);
    const reader = new Reader();
    hub.subscribe(reader, { after: 0, filter: {}, view: "full", keyId: "alice" });
    await vi.waitFor(() => expect(reader.ids).toEqual(upTo(3000)));
  });
});
