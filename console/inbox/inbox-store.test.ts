import { describe, expect, it, vi } from "vitest";
import type { TaskView } from "../../src/contract/task.ts";
import type { LiveEvent } from "../live/live-events.ts";
import { InboxStore } from "./inbox-store.ts";
import { isTelling } from "./waiting.ts";

const task = (id: string, fields: Partial<TaskView> = {}): TaskView => ({
  task_id: id,
  desktop: "embedded",
  action: "fs.write",
  parameters: {},
  estimated_risk: "medium",
  plan_summary: `Plan ${id}`,
  requires_confirmation: true,
  plan_digest: `sha256:${"0".repeat(64)}`,
  status: "planned",
  expires_at: "2030-01-01T00:00:00.000Z",
  confirmation: { mode: "approver", url: "", approvals_required: 1 },
  steps: [],
  requester: "default",
  approvals: [],
  progress: 0,
  result: null,
  error: null,
  artifacts: [],
  created_at: "2029-12-31T23:45:00.000Z",
  ...fields,
});

const event = (name: LiveEvent["event"], task_id: string): LiveEvent => ({
  id: 1,
  event: name,
  task_id,
  timestamp: "2030-01-01T00:00:00.000Z",
});

/** A gateway of tasks, in pages of two. */
function inbox(...tasks: TaskView[]) {
  const all = new Map(tasks.map((entry) => [entry.task_id, entry]));
  const lists: string[] = [];
  const arrived: string[] = [];
  const asked: string[] = [];
  const store = new InboxStore({
    pauseMs: 0,
    onArrival: ({ id }) => arrived.push(id),
    source: {
      tasks: async ({ status, cursor = "0" }) => {
        lists.push(`${status} ${cursor}`);
        const found = [...all.values()].filter((entry) => entry.status === status);
        const from = Number(cursor);
        const more = found.length > from + 2;
        return {
          tasks: found.slice(from, from + 2),
          ...(more && { next_cursor: String(from + 2) }),
        };
      },
      task: async (id) => {
        asked.push(id);
        const found = all.get(id);
        if (found === undefined) throw new Error("task_not_found");
        return found;
      },
    },
  });
  const ids = () => store.state().waiting.map(({ id }) => id);
  return { store, all, ids, arrived, asked, lists };
}

describe("the inbox", () => {
  it("has the highest risk first, then what ends first, over all pages", async () => {
    const { store, ids } = inbox(
      task("low", { estimated_risk: "low" }),
      task("later", { expires_at: "2030-01-01T00:09:00.000Z" }),
      task("sooner", { expires_at: "2030-01-01T00:01:00.000Z" }),
      task("high", { estimated_risk: "high", status: "awaiting_confirmation" }),
      task("client", { confirmation: { mode: "client", url: "", approvals_required: 0 } }),
    );
    await store.load();
    expect(ids()).toEqual(["high", "sooner", "later", "low"]);
  });

  it("takes in what is planned and lets go of what is decided, telling of arrivals alone", async () => {
    const { store, all, ids, arrived } = inbox(task("a"));
    await store.load();
    expect(arrived).toEqual([]);
    all.set("b", task("b", { estimated_risk: "high" }));
    store.apply(event("task_planned", "b"));
    await vi.waitFor(() => expect(ids()).toEqual(["b", "a"]));
    expect(arrived).toEqual(["b"]);
    store.apply(event("task_rejected", "a"));
    await vi.waitFor(() => expect(ids()).toEqual(["b"]));
  });

  it("keeps a plan that has one of two approvals, and shows it", async () => {
    const { store, all, ids } = inbox(task("a"));
    await store.load();
    const approval = { key_id: "person:ann", at: "2030-01-01T00:00:00.000Z", plan_digest: "" };
    all.set("a", task("a", { approvals: [approval] }));
    store.apply(event("task_confirmed", "a"));
    await vi.waitFor(() => expect(store.state().waiting[0]?.approvals).toEqual(["person:ann"]));
    all.set("a", task("a", { status: "ready" }));
    store.apply(event("task_confirmed", "a"));
    await vi.waitFor(() => expect(ids()).toEqual([]));
  });

  it("asks for the lists, not for each, where many come at once", async () => {
    const { store, all, ids, asked } = inbox();
    await store.load();
    for (let index = 0; index < 60; index += 1) {
      all.set(`t${index}`, task(`t${index}`));
      store.apply(event("task_planned", `t${index}`));
    }
    // pages of two, ten pages at most
    await vi.waitFor(() => expect(ids()).toHaveLength(20));
    expect(asked).toEqual([]);
  });

  it("progress of what runs costs nothing", async () => {
    const { store, asked, lists } = inbox(task("a"));
    await store.load();
    const before = lists.length;
    const drawn = vi.fn();
    store.subscribe(drawn);
    for (let index = 0; index < 100; index += 1) store.apply(event("task_progress", "x"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([drawn.mock.calls.length, asked.length, lists.length - before]).toEqual([0, 0, 0]);
  });

  it("keeps what it has where the gateway is away, and says so", async () => {
    const { store, all, ids } = inbox(task("a"));
    await store.load();
    all.get = () => {
      throw new Error("away");
    };
    store.apply(event("task_planned", "b"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ids()).toEqual(["a"]);
  });
});

it("tells reasons of this plan from places of the policy", () => {
  expect(isTelling("high risk: a .sh file can run code")).toBe(true);
  expect(isTelling('medium risk: capabilities["fs.write"].risk_level')).toBe(false);
  expect(isTelling("confirmation approver: confirmation.medium")).toBe(false);
});
