import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentStep, DesktopAction } from "../bytebot/agent-types.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { type AskedEnvelope, GuardedAgent } from "./guarded-agent.ts";

let bytebot: GuardedAgent;
beforeAll(async () => {
  bytebot = await GuardedAgent.start();
});
afterAll(() => bytebot[Symbol.asyncDispose]());

const CLICK = {
  action: "click_mouse",
  button: "left",
  clickCount: 1,
  coordinates: { x: 50, y: 60 },
};
const DONE = { complete: "all done" } satisfies AgentStep;
const acts = (...actions: DesktopAction[]): AgentStep[] => actions.map((act) => ({ act }));
const read = (path: string) => ({ action: "read_file", path });

test("an agent that stays within its envelope gets its work done", async () => {
  await using events = await openEvents(bytebot.gateway);
  const before = bytebot.acted().length;
  const task = await bytebot.begin([
    ...acts(CLICK, { action: "type_text", text: "hello" }),
    ...acts({ action: "application", application: "firefox" }),
    DONE,
  ]);
  const view = await task.finished();
  expect(view).toMatchObject({ status: "completed", result: { outcome: "completed" } });
  expect(bytebot.acted().slice(before)).toEqual(["click_mouse", "type_text", "application"]);
  const results = bytebot.results(task.agentTaskId);
  expect(results.map(({ is_error }) => is_error ?? false)).not.toContain(true);
  await events.until("task_completed", task.id);
  const messages = events.seen.map(({ message }) => message);
  expect(messages).toContain("Click the left button at 50, 60");
  expect(JSON.stringify(events.seen.filter(({ agent }) => isKind(agent, "action")))).not.toContain(
    "hello",
  );
  const audit = await bytebot.audit(task.id);
  // Each of the three, and the screenshot the agent takes after it.
  expect(audit.filter(({ type }) => type === "agent.action")).toHaveLength(6);
  expect(audit.filter(({ type }) => type === "agent.action_finished")).toHaveLength(6);
});

const isKind = (agent: unknown, kind: string): boolean =>
  typeof agent === "object" && agent !== null && "kind" in agent && agent.kind === kind;

const REGION = { x: 0, y: 0, width: 100, height: 100 };
const many = (length: number) => Array.from({ length }, () => ({ x: 1, y: 1 }));

/** What the agent was approved for, what it does, and the code of each refusal. */
const WAYS: [string, AskedEnvelope, DesktopAction[], string][] = [
  ["1 another kind of action", { actions: ["screen.capture"] }, [CLICK], "capability_disabled"],
  [
    "2 another application",
    { applications: ["firefox"] },
    [{ action: "application", application: "directory" }],
    "application_not_allowed",
  ],
  [
    "3 a path outside, climbing, linked and running commands",
    { paths: ["/tmp/in"] },
    [
      read("/etc/shadow"),
      read("/tmp/in/../../etc/shadow"),
      read("/tmp/inside"),
      read("/proc/self/root/etc/shadow"),
      read("/tmp/in/$(reboot)"),
      read("/tmp/in/`reboot`"),
      { action: "write_file", path: '/tmp/in/a";reboot;"', data: "aGk=" },
    ],
    "path_not_allowed",
  ],
  [
    "4 a place outside of the region",
    { region: REGION },
    [
      { ...CLICK, coordinates: { x: 100, y: 50 } },
      {
        action: "drag_mouse",
        button: "left",
        path: [
          { x: 5, y: 5 },
          { x: 5, y: 500 },
        ],
      },
    ],
    "invalid_request",
  ],
  [
    "5 requests that are malformed or without measure",
    {},
    [
      { ...CLICK, clickCount: 1_000_000 },
      { action: "scroll", direction: "down", scrollCount: 1_000_000 },
      { action: "type_keys", keys: ["F13"] },
      { action: "trace_mouse", path: many(20_000) },
      { action: "type_text", text: "a", shell: "reboot" },
    ],
    "invalid_request",
  ],
];

describe("a misbehaving agent is stopped, and is told that it failed", () => {
  test.each(WAYS)("I17 %s", async (_name, envelope, actions, code) => {
    const before = bytebot.acted().length;
    const task = await bytebot.begin([...acts(...actions), DONE], envelope);
    await task.finished();
    expect(bytebot.acted().slice(before)).toEqual([]);
    expect(bytebot.daemon.files.injected).toEqual([]);
    expectFailures(task.agentTaskId, actions.length);
    const denied = (await bytebot.audit(task.id)).filter(({ type }) => type === "agent.denied");
    expect(denied.map(({ details }) => details?.code)).toEqual(actions.map(() => code));
  });

  test("I17 6 too many actions", async () => {
    const before = bytebot.daemon.requests.length;
    const task = await bytebot.begin([...acts(CLICK, CLICK), DONE], { max_actions: 2 });
    await task.finished();
    // One click and the look at it are two.
    expect(bytebot.daemon.requests.slice(before).map(({ action }) => action)).toEqual([
      "click_mouse",
      "screenshot",
    ]);
    expect(bytebot.results(task.agentTaskId).map(({ is_error }) => is_error)).toEqual([
      undefined,
      true,
    ]);
  });

  test("I17 7 too long", async () => {
    const before = bytebot.acted().length;
    const task = await bytebot.begin([{ await: new Promise(() => undefined) }], {
      max_duration_s: 1,
    });
    expect(await task.finished()).toMatchObject({ status: "failed", error: { code: "timeout" } });
    await expect(bytebot.agent.act(CLICK)).rejects.toThrow();
    expect(bytebot.acted().slice(before)).toEqual([]);
  });

  test("I17 8 a task of its own, beside ours, before it and after it", async () => {
    const before = bytebot.acted().length;
    bytebot.prepare("its own", [...acts(CLICK), DONE]);
    const own = bytebot.agent.createTask("its own");
    await bytebot.agent.waitFor(() => own.status === "COMPLETED");
    expectFailures(own.id, 1);

    const gate = Promise.withResolvers<void>();
    const task = await bytebot.begin([{ await: gate.promise }, ...acts(CLICK), DONE]);
    const beside = bytebot.agent.createTask("beside");
    beside.status = "RUNNING";
    gate.resolve();
    await bytebot.agent.waitFor(() => bytebot.results(task.agentTaskId).length === 1);
    expectFailures(task.agentTaskId, 1);
    beside.status = "CANCELLED";
    await task.finished();

    await expect(bytebot.agent.act(CLICK)).rejects.toThrow();
    expect(bytebot.acted().slice(before)).toEqual([]);
  });

  test.each([
    ["paused", (id: string) => `/tasks/${id}/takeover`],
    ["cancelled", (id: string) => `/tasks/${id}/cancel`],
    ["stopped", () => "/stop"],
  ])("I17 9 while %s", async (_state, target) => {
    const { gateway, agent } = bytebot;
    const before = bytebot.acted().length;
    const task = await bytebot.begin([{ await: new Promise(() => undefined) }]);
    await expect(agent.act({ action: "screenshot" })).resolves.toMatchObject({ status: 201 });
    const { approver } = gateway.keys;
    const answer = await call(gateway, "POST", target(task.id), {}, approver);
    expect(answer.status).toBe(200);
    // While paused it is held, and dropped when the task ends.
    const clicked = expect(agent.act(CLICK)).rejects.toThrow();
    await call(gateway, "POST", `/tasks/${task.id}/cancel`, {}, approver);
    await clicked;
    expect(bytebot.acted().slice(before)).toEqual([]);
    await task.finished();
    await call(gateway, "POST", "/resume", {}, approver);
  });

  test("I17 10 around the key, and by another desktop's path", async () => {
    const before = bytebot.acted().length;
    const { origin } = new URL(bytebot.guardUrl);
    const ways = [`${bytebot.guardUrl}/other`, `${origin}/bytebot`, `${origin}/x/bytebot`, origin];
    const steps = ways.map((via) => ({ act: CLICK, via }));
    const look = { act: { action: "screenshot" } };
    const task = await bytebot.begin([look, ...steps, DONE]);
    await task.finished();
    const failed = bytebot.results(task.agentTaskId).map(({ is_error }) => is_error);
    expect(failed).toEqual([undefined, ...ways.map(() => true)]);
    expect(bytebot.acted().slice(before)).toEqual([]);
  });

  test("I17 a form, as any web page could send it", async () => {
    const before = bytebot.acted().length;
    const task = await bytebot.begin([{ await: new Promise(() => undefined) }]);
    const send = () =>
      fetch(`${bytebot.guardUrl}/bytebot/computer-use`, {
        method: "POST",
        body: new URLSearchParams({ action: "type_text", text: "reboot" }),
      });
    await expect(send()).rejects.toThrow();
    expect(bytebot.acted().slice(before)).toEqual([]);
    const { approver } = bytebot.gateway.keys;
    await call(bytebot.gateway, "POST", `/tasks/${task.id}/cancel`, {}, approver);
    await task.finished();
  });
});

test("quirk 7: keys an agent held down are let go when its task ends", async () => {
  const hold = { action: "press_keys", keys: ["Shift_L"], press: "down" };
  const task = await bytebot.begin([...acts(hold), DONE]);
  await task.finished();
  await bytebot.daemon.waitFor(({ held }) => held.size === 0);
  expect(bytebot.daemon.requestsFor("press_keys").length).toBeGreaterThan(1);
});

/** The transcript of a task shows failures, and nothing that was done. */
function expectFailures(agentTaskId: string, count: number): void {
  const results = bytebot.results(agentTaskId);
  expect(results.map(({ is_error }) => is_error)).toEqual(
    Array.from({ length: count }, () => true),
  );
  expect(JSON.stringify(results)).not.toContain("Tool executed successfully");
}
