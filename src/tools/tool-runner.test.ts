import { describe, expect, it } from "vitest";
import { principalOf } from "../../test/support/tasks/fixtures.ts";
import type { GatewayEvent } from "../contract/event.ts";
import type { ExecuteView } from "../contract/requests.ts";
import type { PlanView, TaskStatus, TaskView } from "../contract/task.ts";
import { taskStatusTool } from "./general-tools.ts";
import { TaskFeed } from "./task-feed.ts";
import type { Tool } from "./tool.ts";
import { answerOf, outcomeOf } from "./tool-outcome.ts";
import { ToolRunner } from "./tool-runner.ts";

const KEY = principalOf("chat", "plan", "execute", "read");
const NEVER = new AbortController().signal;
const TASK_ID = `task_${"A".repeat(22)}`;
const SCREENSHOT = {
  id: "artifact_1",
  url: "/artifacts/artifact_1",
  media_type: "image/png",
  size: 3,
  name: "screen.png",
  step: 0,
};

function taskWith(status: TaskStatus, more: Partial<TaskView> = {}): TaskView {
  return {
    task_id: TASK_ID,
    status,
    steps: [{ action: "wait", parameters: {}, summary: "Wait", risk: "low", reasons: [] }],
    artifacts: [],
    progress: 0,
    result: status === "completed" ? {} : null,
    error: null,
    confirmation: { mode: "approver", url: "http://x/approvals/y", approvals_required: 1 },
    expires_at: "2026-01-01T00:00:00Z",
    ...more,
  } as TaskView;
}

const WAIT: Tool = {
  ...taskStatusTool,
  name: "wait",
  plan: () => ({ action: "wait", parameters: { duration_ms: 1 } }),
};

/** A runner over tasks of which each look shows the next; the last one stays. */
function createRunner(first: TaskStatus, ...later: (() => TaskView)[]) {
  const listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  const feed = new TaskFeed((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  });
  const calls: string[] = [];
  let present = taskWith(first);
  const runner = new ToolRunner({
    feed,
    list: { find: (name) => [WAIT, taskStatusTool].find((tool) => tool.name === name) },
    tasks: {
      plan: async (_, request, options) => {
        calls.push(`plan ${request.action} ${options?.requestedBy?.name ?? "nobody"}`);
        return { task_id: TASK_ID } as PlanView;
      },
      execute: async (_, { task_id }, { waitMs }) => {
        calls.push(`execute ${waitMs}`);
        return { finished: false, view: { task_id, status: first, message: "" } as ExecuteView };
      },
      get: async () => {
        const seen = present;
        const next = later.shift();
        if (next !== undefined) {
          present = next();
          const data = { progress: present.progress, message: "on its way" };
          const event = { task_id: TASK_ID, data } as unknown as GatewayEvent;
          for (const listener of listeners) listener([event]);
        }
        return seen;
      },
    },
  });
  return { runner, calls };
}

describe("ToolRunner", () => {
  it("plans, executes, waits for the end and tells of progress", async () => {
    const { runner, calls } = createRunner(
      "running",
      () => taskWith("running", { progress: 40 }),
      () => taskWith("completed", { progress: 100, result: { done: true } }),
    );
    const progress: unknown[] = [];
    const outcome = await runner.call(
      KEY,
      "wait",
      {},
      {
        signal: NEVER,
        waitMs: 60_000,
        requestedBy: { verified: true, name: "Ada" },
        onPlanned: ({ task_id }) => calls.push(`planned ${task_id}`),
        onProgress: (seen) => progress.push(seen),
      },
    );
    expect(outcome).toMatchObject({ kind: "result", result: { done: true } });
    expect(calls).toEqual(["plan wait Ada", `planned ${TASK_ID}`, "execute 0"]);
    expect(progress).toEqual([
      { progress: 40, message: "on its way" },
      { progress: 100, message: "on its way" },
    ]);
  });

  it("does not wait for a person", async () => {
    const { runner } = createRunner("awaiting_confirmation");
    const outcome = await runner.call(KEY, "wait", {}, { signal: NEVER, waitMs: 3_600_000 });
    expect(outcome).toMatchObject({ kind: "awaiting", taskId: TASK_ID });
    expect(answerOf(outcome)).toEqual({
      task_id: TASK_ID,
      status: "awaiting_confirmation",
      confirmation_url: "http://x/approvals/y",
      advice: expect.stringContaining("task_status"),
    });
  });

  it("answers that it runs once the time is up", async () => {
    const { runner } = createRunner("running");
    const outcome = await runner.call(KEY, "wait", {}, { signal: NEVER, waitMs: 1 });
    expect(outcome).toMatchObject({ kind: "running", status: "running" });
  });

  it("needs what planning and executing need, or read", async () => {
    const { runner, calls } = createRunner("completed");
    const options = { signal: NEVER, waitMs: 0 };
    const half = principalOf("half", "plan", "read");
    await expect(runner.call(half, "wait", {}, options)).rejects.toMatchObject({
      code: "scope_missing",
    });
    const blind = principalOf("blind", "plan", "execute");
    const asked = runner.call(blind, "task_status", { task_id: TASK_ID }, options);
    await expect(asked).rejects.toMatchObject({ code: "scope_missing" });
    await expect(runner.call(KEY, "confirm", {}, options)).rejects.toMatchObject({
      code: "not_found",
    });
    expect(calls).toEqual([]);
  });
});

describe("outcomeOf", () => {
  it.each<[TaskStatus, string, string | undefined]>([
    ["planned", "awaiting", undefined],
    ["awaiting_confirmation", "awaiting", undefined],
    ["ready", "running", undefined],
    ["queued", "running", undefined],
    ["running", "running", undefined],
    ["completed", "result", undefined],
    ["failed", "failed", "outcome_unknown"],
    ["cancelled", "failed", "task_cancelled"],
    ["interrupted", "failed", "outcome_unknown"],
    ["rejected", "failed", "task_rejected"],
    ["expired", "failed", "plan_expired"],
  ])("of a task that is %s is %s", (status, kind, code) => {
    const outcome = outcomeOf(taskWith(status));
    expect(outcome.kind).toBe(kind);
    expect(outcome.kind === "failed" ? outcome.error.code : undefined).toBe(code);
    expect(answerOf(outcome)).toMatchObject({ task_id: TASK_ID, status });
  });

  it("has the picture of a single step as its image", () => {
    const one = taskWith("completed", { artifacts: [SCREENSHOT] });
    expect(outcomeOf(one)).toMatchObject({ image: SCREENSHOT });
    const two = { ...one, steps: [...one.steps, ...one.steps] };
    expect(outcomeOf(two)).not.toHaveProperty("image");
    const text = { ...SCREENSHOT, media_type: "text/html" };
    expect(outcomeOf({ ...one, artifacts: [text] })).not.toHaveProperty("image");
  });
});
