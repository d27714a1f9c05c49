import { describe, expect, test } from "vitest";
import { type ActOptions, OPEN_POLICY, PNG, TestGuard } from "../../test/support/guard/fixtures.ts";
import { GatewayError } from "../contract/errors.ts";
import type { EnvelopeFile } from "../contract/policy.ts";

const CLICK = { action: "click_mouse", button: "left", clickCount: 1, coordinates: { x: 5, y: 6 } };
const SHOT = { action: "screenshot" };
const FILES: EnvelopeFile = {
  actions: ["fs.read", "fs.write", "app.open", "screen.capture"],
  applications: ["firefox"],
  paths: ["/tmp/in"],
};
const REGION = { x: 100, y: 100, width: 100, height: 100 };

describe("what lies within the envelope", () => {
  test("is carried out once, recorded before and after, and answered as the daemon does", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    expect(await test.act(CLICK)).toEqual({ status: 201 });
    expect(await test.act(SHOT)).toEqual({ status: 201, body: { image: PNG } });
    expect(test.sent).toEqual([CLICK, SHOT]);
    expect(session.requests).toBe(2);
    expect(test.audit()).toEqual([
      {
        type: "agent.action",
        number: 1,
        action: "mouse.click",
        parameters: { button: "left", click_count: 1, coordinates: { x: 5, y: 6 } },
      },
      { type: "agent.action_finished", number: 1, outcome: "done" },
      { type: "agent.action", number: 2, action: "screen.capture", parameters: {} },
      { type: "agent.action_finished", number: 2, outcome: "done" },
    ]);
    expect(test.messages()).toEqual(["Click the left button at 5, 6", "Take a screenshot"]);
  });

  test("I6 the intent is durable before the action leaves", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    let known: unknown[] = [];
    test.daemon = () => {
      known = test.audit();
      return undefined;
    };
    await test.act(CLICK);
    expect(known).toMatchObject([{ type: "agent.action", number: 1 }]);
  });

  test("I7 what an agent types stands in no event, and in the audit log as a digest", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    await test.act({ action: "type_text", text: "hunter2-hunter2" });
    await test.act({ action: "paste_text", text: "hunter2-hunter2", sensitive: true });
    expect(test.sent).toHaveLength(2);
    expect(JSON.stringify(test.records)).not.toContain("hunter2");
    expect(test.messages()).toEqual(["Type 15 characters", "Paste ••••••"]);
    expect(test.audit()[0]?.parameters).toMatchObject({ text: { length: 15 } });
  });

  test("a file of the size that is allowed comes through, and one over it does not", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin({ ...FILES, max_actions: 10 });
    const write = (size: number) =>
      test.act({
        action: "write_file",
        path: "/tmp/in/a",
        data: Buffer.alloc(size).toString("base64"),
      });
    expect(await write(2 * 1024 * 1024)).toMatchObject({ status: 201 });
    expect(await write(2 * 1024 * 1024 + 1)).toBe("dropped");
    expect(await write(4 * 1024 * 1024)).toBe("dropped");
    test.daemon = () => ({ status: 201, body: { success: true, data: "A".repeat(4_000_000) } });
    expect(await test.act({ action: "read_file", path: "/tmp/in/a" })).toBe("dropped");
    expect(test.audit().at(-1)).toMatchObject({ outcome: "file_too_large" });
  });
});

test("quirk 3: a file that does not stand there afterwards was not written", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin(FILES);
  const write = { action: "write_file", path: "/tmp/in", data: "aGk=" };
  expect(await test.act(write)).toMatchObject({ status: 201 });
  for (const body of [{ success: false }, { success: true, data: "b3RoZXI=" }, undefined]) {
    test.daemon = ({ action }) => (action === "read_file" ? { status: 201, body } : undefined);
    expect(await test.act(write)).toBe("dropped");
    expect(test.audit().at(-1)).toMatchObject({ outcome: "bytebot_error" });
  }
  const broken = new GatewayError("bytebot_unavailable", "Nobody answers.");
  test.daemon = ({ action }) => (action === "read_file" ? Promise.reject(broken) : undefined);
  expect(await test.act(write)).toBe("dropped");
  expect(test.audit().at(-1)).toMatchObject({ outcome: "outcome_unknown" });
});

/** Each is dropped, never reaches the daemon, and is recorded as refused with this code. */
const OUTSIDE: [string, EnvelopeFile, unknown, string, ActOptions?][] = [
  ["another kind of action", { actions: ["mouse.move"] }, CLICK, "capability_disabled"],
  [
    "another application",
    FILES,
    { action: "application", application: "thunderbird" },
    "application_not_allowed",
  ],
  ["a path outside", FILES, read("/tmp/inside"), "path_not_allowed"],
  ["a path that climbs out", FILES, read("/tmp/in/../../etc/shadow"), "path_not_allowed"],
  ["a path through a link of /proc", FILES, read("/proc/self/root/tmp/in/a"), "path_not_allowed"],
  ["a relative path", FILES, read("in/a"), "path_not_allowed"],
  ["quirk 1: a path that runs a command", FILES, read("/tmp/in/$(reboot)"), "path_not_allowed"],
  ["quirk 1: backticks", FILES, read("/tmp/in/`reboot`"), "path_not_allowed"],
  ["quirk 1: a quote", FILES, read('/tmp/in/a";reboot;"'), "path_not_allowed"],
  ["quirk 1: a line feed", FILES, read("/tmp/in/a\nreboot"), "invalid_request"],
  [
    "a point outside of the region",
    { region: REGION },
    { action: "move_mouse", coordinates: { x: 99, y: 150 } },
    "invalid_request",
  ],
  [
    "one pixel beyond the region",
    { region: REGION },
    { action: "move_mouse", coordinates: { x: 200, y: 150 } },
    "invalid_request",
  ],
  [
    "a drag out of the region",
    { region: REGION },
    {
      action: "drag_mouse",
      button: "left",
      path: [
        { x: 150, y: 150 },
        { x: 150, y: 250 },
      ],
    },
    "invalid_request",
  ],
  [
    "quirk 13: a form",
    {},
    "action=screenshot",
    "unsupported_media_type",
    { headers: { "content-type": "application/x-www-form-urlencoded" } },
  ],
  ["a text", {}, SHOT, "unsupported_media_type", { headers: { "content-type": "text/plain" } }],
  [
    "a packed body",
    {},
    SHOT,
    "unsupported_media_type",
    { headers: { "content-encoding": "gzip" } },
  ],
  ["no JSON", {}, "{", "invalid_request"],
  ["a key twice", {}, '{"action":"wait","action":"screenshot"}', "invalid_request"],
  ["deep nesting", {}, `{"action":${"[".repeat(99)}${"]".repeat(99)}}`, "invalid_request"],
  ["more than 1 MB", {}, { action: "type_text", text: "a".repeat(1_100_000) }, "body_too_large"],
  [
    "more than 1 MB that is no file",
    FILES,
    { action: "screenshot", ...{ x: "a".repeat(1_100_000) } },
    "invalid_request",
  ],
  ["quirk 12: a huge click count", {}, { ...CLICK, clickCount: 1_000_000 }, "invalid_request"],
  [
    "quirk 12: 20,000 points",
    {},
    { action: "trace_mouse", path: Array.from({ length: 20_000 }, () => ({ x: 1, y: 1 })) },
    "invalid_request",
  ],
  [
    "quirk 4: a key that crashes the daemon",
    {},
    { action: "type_keys", keys: ["F13"] },
    "invalid_request",
  ],
  ["an action the daemon does not have", {}, { action: "run_shell" }, "capability_unknown"],
];

function read(path: string): unknown {
  return { action: "read_file", path };
}

test.each(OUTSIDE)("I17 %s is stopped", async (_name, envelope, body, code, options) => {
  await using guard = await TestGuard.open();
  using _session = guard.begin(envelope);
  expect(await guard.act(body, options)).toBe("dropped");
  expect(guard.sent).toEqual([]);
  expect(guard.audit()).toMatchObject([{ type: "agent.denied", code }]);
  expect(guard.messages()).toEqual([expect.stringMatching(/^Refused /)]);
});

test("the same actions inside of the envelope are carried out", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin({
    ...FILES,
    actions: [...(FILES.actions ?? []), "mouse.move"],
    region: REGION,
  });
  for (const body of [
    { action: "application", application: "firefox" },
    read("/tmp/in"),
    read("/tmp/in/b/../a (1).txt"),
    { action: "move_mouse", coordinates: { x: 100, y: 199 } },
  ]) {
    expect(await test.act(body)).toMatchObject({ status: 201 });
  }
});

test("too many actions, screenshots counted: the next one is stopped", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin({ max_actions: 2 });
  expect(await test.act(CLICK)).toEqual({ status: 201 });
  expect(await test.act(SHOT)).toMatchObject({ status: 201 });
  expect(await test.act(SHOT)).toBe("dropped");
  expect(test.sent).toHaveLength(2);
  expect(test.audit().at(-1)).toMatchObject({ type: "agent.denied", code: "rate_limited" });
});

test("too long: after its time nothing is carried out", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin({ max_duration_s: 10 });
  test.nowMs = 9_999;
  expect(await test.act(SHOT)).toMatchObject({ status: 201 });
  test.nowMs = 10_000;
  expect(await test.act(SHOT)).toBe("dropped");
  expect(test.audit().at(-1)).toMatchObject({ type: "agent.denied", code: "timeout" });
});

describe("a pointer action that names no place, where there is a region", () => {
  const here = { action: "click_mouse", button: "left", clickCount: 1 };

  test("happens at the place that was judged", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin({ region: REGION });
    expect(await test.act(here)).toEqual({ status: 201 });
    expect(test.sent).toEqual([
      { action: "cursor_position" },
      { ...here, coordinates: { x: 150, y: 160 } },
    ]);
  });

  test.each([{ x: 5, y: 5 }, { x: -1, y: 150 }, { x: "150", y: 150 }, null, undefined])(
    "is stopped where the pointer is at %j",
    async (body) => {
      await using test = await TestGuard.open();
      using _session = test.begin({ region: REGION });
      test.daemon = () => ({ status: 201, body });
      expect(await test.act(here)).toBe("dropped");
      expect(test.sent).toEqual([{ action: "cursor_position" }]);
    },
  );
});

test("coordinates outside of the screen the agent has seen are stopped", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin();
  await test.act(SHOT);
  expect(await test.act(CLICK)).toBe("dropped");
  expect(await test.act({ ...CLICK, coordinates: { x: 0, y: 0 } })).toEqual({ status: 201 });
});

describe("the present policy counts for every single action", () => {
  test("I1 what it forbids meanwhile is stopped", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin(FILES);
    expect(await test.act(read("/tmp/in/a"))).toMatchObject({ status: 201 });
    const rules = { enabled: true, allowed_paths: ["/home/user"] };
    test.policy = {
      ...OPEN_POLICY,
      capabilities: { ...OPEN_POLICY.capabilities, "fs.read": rules },
    };
    expect(await test.act(read("/tmp/in/a"))).toBe("dropped");
    expect(test.audit().at(-1)).toMatchObject({ type: "agent.denied", code: "path_not_allowed" });
  });

  test.each([undefined, []])("I15 a key that may execute no more (%j) ends it", async (scopes) => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    const { principal } = test;
    test.principal = scopes && principal && { ...principal, scopes: new Set(scopes) };
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toEqual([]);
  });
});
