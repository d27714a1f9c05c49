import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LiveEvent, LiveState } from "./live-events.ts";
import { SharedEvents } from "./shared-events.ts";

class FakeSource {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string; lastEventId: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  readonly url: string;
  readonly page: string;

  constructor(page: string, url: string) {
    this.page = page;
    this.url = url;
  }

  close() {
    this.closed = true;
  }

  send(id: number) {
    const event = { event: "task_planned", task_id: `t${id}`, timestamp: "" };
    this.onmessage?.({ data: JSON.stringify(event), lastEventId: String(id) });
  }
}

let name = 0;
let sources: FakeSource[];
const open: SharedEvents[] = [];

function tab(page: string) {
  const ids: number[] = [];
  const states: LiveState[] = [];
  const onGap = vi.fn();
  const shared = new SharedEvents({
    name: `test-${name}`,
    onEvent: (event: LiveEvent) => ids.push(event.id),
    onState: (state) => states.push(state),
    onGap,
    open: (url) => {
      const source = new FakeSource(page, url);
      sources.push(source);
      return source as unknown as EventSource;
    },
  });
  open.push(shared);
  return { shared, ids, states, onGap };
}

const streams = () => sources.filter(({ closed }) => !closed).map(({ page, url }) => [page, url]);

beforeEach(() => {
  name += 1;
  sources = [];
  vi.stubGlobal("document", { visibilityState: "visible" });
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  for (const shared of open.splice(0)) shared.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Two tabs, of which the first has the stream. */
async function two() {
  const a = tab("a");
  await vi.waitFor(() => expect(streams()).toEqual([["a", "/events"]]));
  sources[0]?.onopen?.();
  const b = tab("b");
  await vi.waitFor(() => expect(b.states).toEqual(["connecting", "live"]));
  return { a, b };
}

const BROKEN = ["connecting", "live", "broken", "connecting"];

describe("one stream for all tabs", () => {
  it("is followed by one, which tells the others", async () => {
    const { a, b } = await two();
    sources[0]?.send(41);
    await vi.waitFor(() => expect([a.ids, b.ids]).toEqual([[41], [41]]));
    sources[0]?.onerror?.();
    await vi.waitFor(() => expect(b.states.at(-1)).toBe("broken"));
    b.shared.hurry();
    await vi.waitFor(() => expect(streams()).toEqual([["a", "/events?since=41"]]));
    sources[1]?.onopen?.();
    await vi.waitFor(() => expect(b.onGap).toHaveBeenCalledOnce());
    expect([a.onGap.mock.calls.length, b.states.at(-1)]).toEqual([1, "live"]);
  });

  it("goes on in another after the newest event it has seen, none twice", async () => {
    const { a, b } = await two();
    const c = tab("c");
    sources[0]?.send(41);
    await vi.waitFor(() => expect([b.ids, c.ids]).toEqual([[41], [41]]));
    a.shared.close();
    await vi.waitFor(() => expect(streams()).toEqual([["b", "/events?since=41"]]));
    sources[1]?.onopen?.();
    sources[1]?.send(41);
    sources[1]?.send(42);
    await vi.waitFor(() => expect(c.ids).toEqual([41, 42]));
    expect(b.onGap).not.toHaveBeenCalled();
  });

  it("a tab that came later goes on where the first stood", async () => {
    const { a, b } = await two();
    sources[0]?.send(41);
    const c = tab("c");
    await vi.waitFor(() => expect(c.states.at(-1)).toBe("live"));
    a.shared.close();
    b.shared.close();
    await vi.waitFor(() => expect(streams()).toEqual([["c", "/events?since=41"]]));
  });

  it("has everything asked for again where no place to go on after is known", async () => {
    const { a, b } = await two();
    const c = tab("c");
    await vi.waitFor(() => expect(c.states.at(-1)).toBe("live"));
    a.shared.close();
    await vi.waitFor(() => expect(streams()).toEqual([["b", "/events"]]));
    expect(b.onGap).not.toHaveBeenCalled();
    sources[1]?.onopen?.();
    await vi.waitFor(() => expect(c.onGap).toHaveBeenCalledOnce());
    expect(b.onGap).toHaveBeenCalledOnce();
  });

  it("a tab that did not hear all of it asks for everything again", async () => {
    const { b } = await two();
    const post = vi.spyOn(BroadcastChannel.prototype, "postMessage").mockReturnValue();
    sources[0]?.send(41);
    post.mockRestore();
    b.shared.hurry();
    await vi.waitFor(() => expect(b.onGap).toHaveBeenCalledOnce());
    sources[0]?.send(42);
    await vi.waitFor(() => expect(b.ids).toEqual([42]));
    b.shared.hurry();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(b.onGap).toHaveBeenCalledOnce();
  });

  it("tells of its end when the tab that has it leaves, as on signing out", async () => {
    const { a, b } = await two();
    const c = tab("c");
    await vi.waitFor(() => expect(c.states.at(-1)).toBe("live"));
    a.shared.close();
    await vi.waitFor(() => expect([b.states, c.states]).toEqual([BROKEN, BROKEN]));
  });

  it("is taken from a tab that answers no more, which gives it up when it wakes", async () => {
    const { b } = await two();
    sources[0]?.send(41);
    await vi.waitFor(() => expect(b.ids).toEqual([41]));
    const post = vi.spyOn(BroadcastChannel.prototype, "postMessage").mockReturnValue();
    vi.advanceTimersByTime(5000);
    expect(streams()).toEqual([["a", "/events"]]);
    vi.advanceTimersByTime(5000);
    post.mockRestore();
    await vi.waitFor(() => expect(streams()).toEqual([["b", "/events?since=41"]]));
  });

  it("stays where it is while it answers, and while nobody looks", async () => {
    const { b } = await two();
    for (let round = 0; round < 5; round += 1) {
      const before = b.states.length;
      vi.advanceTimersByTime(5000);
      sources[0]?.send(round + 1);
      await vi.waitFor(() => expect(b.ids).toHaveLength(round + 1));
      expect(b.states).toHaveLength(before);
    }
    vi.stubGlobal("document", { visibilityState: "hidden" });
    vi.spyOn(BroadcastChannel.prototype, "postMessage").mockReturnValue();
    vi.advanceTimersByTime(60_000);
    vi.restoreAllMocks();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(streams()).toEqual([["a", "/events"]]);
  });
});
