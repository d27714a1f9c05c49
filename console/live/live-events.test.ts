import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LiveEvent, LiveEvents, type LiveState } from "./live-events.ts";

class FakeSource {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string; lastEventId: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  close() {
    this.closed = true;
  }

  send(id: number, event: object) {
    this.onmessage?.({ data: JSON.stringify(event), lastEventId: String(id) });
  }
}

function follow(taskId?: string) {
  const sources: FakeSource[] = [];
  const events: LiveEvent[] = [];
  const states: LiveState[] = [];
  const onGap = vi.fn();
  const live = new LiveEvents({
    ...(taskId !== undefined && { taskId }),
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
    onGap,
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source as unknown as EventSource;
    },
  });
  return { live, sources, events, states, onGap };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the stream of events", () => {
  it("opens again after a refusal, where it left off, and tells of the gap", () => {
    const { sources, events, states, onGap } = follow();
    expect(sources[0]?.url).toBe("/events");
    sources[0]?.onopen?.();
    sources[0]?.send(41, { event: "task_planned", task_id: "a", timestamp: "" });
    sources[0]?.onerror?.();
    expect(sources[0]?.closed).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(sources[1]?.url).toBe("/events?since=41");
    // The gateway is still away.
    sources[1]?.onerror?.();
    vi.advanceTimersByTime(2000);
    sources[2]?.onopen?.();
    expect(onGap).toHaveBeenCalledOnce();
    expect(states).toEqual([
      "connecting",
      "live",
      "broken",
      "connecting",
      "broken",
      "connecting",
      "live",
    ]);
    expect(events).toMatchObject([{ id: 41, event: "task_planned" }]);
  });

  it("of one task begins with its first event", () => {
    const { sources } = follow("task_x");
    expect(sources[0]?.url).toBe("/events?task_id=task_x&since=0");
  });

  it("passes over what is no event", () => {
    const { sources, events } = follow();
    sources[0]?.onmessage?.({ data: "no JSON", lastEventId: "3" });
    sources[0]?.send(4, ["event"]);
    expect(events).toEqual([]);
  });

  it("opens no more once it is closed", () => {
    const { live, sources } = follow();
    sources[0]?.onerror?.();
    live.close();
    vi.advanceTimersByTime(60_000);
    live.hurry();
    expect(sources).toHaveLength(1);
  });

  it("does not wait where the page comes back to the front", () => {
    const { live, sources } = follow();
    sources[0]?.onerror?.();
    live.hurry();
    expect(sources).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(2);
  });
});
