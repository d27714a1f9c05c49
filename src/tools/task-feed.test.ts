import { describe, expect, it } from "vitest";
import type { GatewayEvent } from "../contract/event.ts";
import { TaskFeed } from "./task-feed.ts";

const NEVER = new AbortController().signal;

function createFeed() {
  const listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  const feed = new TaskFeed((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  });
  const event = (task_id: string): GatewayEvent => ({
    id: 1,
    event: "task_progress",
    task_id,
    owner: "chat",
    timestamp: "",
    data: { progress: 5 },
  });
  const commit = (...ids: string[]) => {
    for (const listener of listeners) listener(ids.map(event));
  };
  return { feed, commit, listeners };
}

describe("TaskFeed", () => {
  it("tells of one task, until it is no longer followed", () => {
    const { feed, commit } = createFeed();
    const seen: (string | null)[] = [];
    {
      using _ = feed.follow("a", ({ task_id }) => seen.push(task_id));
      commit("a", "b", "a");
    }
    commit("a");
    expect(seen).toEqual(["a", "a"]);
  });

  it("looks again after each event, also one that comes while it looks", async () => {
    const { feed, commit } = createFeed();
    let looks = 0;
    const look = async () => {
      looks += 1;
      if (looks < 3) commit("a");
      return looks;
    };
    const seen = await feed.until("a", look, (n) => n === 3, { waitMs: 60_000, signal: NEVER });
    expect(seen).toBe(3);
  });

  it("gives what it saw last when the time is up, the signal aborts, or nothing is to be waited for", async () => {
    const { feed } = createFeed();
    const look = async () => "waiting";
    const never = () => false;
    expect(await feed.until("a", look, never, { waitMs: 5, signal: NEVER })).toBe("waiting");
    expect(await feed.until("a", look, never, { waitMs: 0, signal: NEVER })).toBe("waiting");
    const gone = new AbortController();
    const asked = feed.until("a", look, never, { waitMs: 60_000, signal: gone.signal });
    gone.abort();
    expect(await asked).toBe("waiting");
  });

  it("leaves nothing behind", async () => {
    const { feed, listeners } = createFeed();
    feed[Symbol.dispose]();
    expect(listeners.size).toBe(0);
  });
});
