import { describe, expect, test } from "vitest";
import type { FaultKind } from "../../../test/bytebot/faults.ts";
import { type Bench, openBench, stepOf } from "../../../test/support/drivers/bytebot/fixtures.ts";
import { failure, ioOf } from "../../../test/support/drivers/step/fixtures.ts";

/** Each kind of action with an effect, with the request that makes it. */
const EFFECTS = [
  ["mouse.move", { coordinates: { x: 9, y: 9 } }, "move_mouse"],
  ["mouse.click", { click_count: 2, hold_keys: ["Shift_L", "Alt_L"] }, "click_mouse"],
  ["mouse.press", { press: "down" }, "press_mouse"],
  ["mouse.drag", { path: path(), hold_keys: ["Control_L"] }, "drag_mouse"],
  ["mouse.trace", { path: path(), hold_keys: ["Super_R"] }, "trace_mouse"],
  ["mouse.scroll", { direction: "up", scroll_count: 2, hold_keys: ["Shift_R"] }, "scroll"],
  ["keyboard.type", { text: "ABC" }, "type_text"],
  ["keyboard.paste", { text: "∑" }, "paste_text"],
  ["keyboard.chord", { keys: ["Control_L", "Alt_R", "t"] }, "type_keys"],
  ["keyboard.press", { keys: ["Control_R", "b"], press: "down" }, "press_keys"],
  ["app.open", { application: "terminal" }, "application"],
  ["browser.open", { url: "http://localhost/" }, "paste_text"],
  ["fs.write", { path: "/tmp/a", content: "x" }, "write_file"],
] as const;

/** What each fault in the middle of an action comes to. */
const FAULTS: readonly (readonly [FaultKind, string])[] = [
  ["reset", "outcome_unknown"],
  ["reset_midway", "outcome_unknown"],
  ["reset_after_effect", "outcome_unknown"],
  ["crash", "outcome_unknown"],
  ["hang_after_effect", "outcome_unknown"],
  ["truncated_body", "outcome_unknown"],
  ["invalid_json", "outcome_unknown"],
  ["huge_body", "outcome_unknown"],
  ["status 502", "outcome_unknown"],
  ["status 504", "outcome_unknown"],
  ["500", "bytebot_error"],
];

describe.each(FAULTS)("a fault in the middle: %s", (fault, code) => {
  // At once, because a hang takes its time.
  test.concurrent.each(EFFECTS)("%s", async (action, parameters, request) => {
    // Shorter than a hang, longer than any action of the stand-in.
    await using bench = await openBench({ requestTimeoutMs: fault.startsWith("hang") ? 50 : 5000 });
    const { daemon, driver } = bench;
    const hit = daemon.fail({ action: request, with: fault });
    const failing = driver.perform(stepOf(action, { ...parameters }), ioOf());
    await expect(failing).rejects.toMatchObject(failure(code));
    hit.release();
    await settled(bench);
    const isTheAction = (body: Readonly<Record<string, unknown>>) => body.press !== "up";
    expect(daemon.requestsFor(request).filter(({ body }) => isTheAction(body))).toHaveLength(1);
    expect([...daemon.held]).toEqual([]);
    // It works on, without anything of before.
    await driver.perform(stepOf("keyboard.chord", { keys: ["q"] }), ioOf());
    expect(daemon.events.slice(-2)).toEqual([
      { kind: "key", key: "q", press: "down" },
      { kind: "key", key: "q", press: "up" },
    ]);
  });
});

describe("what is surely not sent", () => {
  test.each(EFFECTS)(
    "%s is tried again and then done once",
    async (action, parameters, request) => {
      await using bench = await openBench({ retryAttempts: 10, retryPauseMs: 20 });
      const { daemon, driver } = bench;
      await driver.perform(stepOf("screen.capture"), ioOf());
      await daemon.stopListening();
      const done = driver.perform(stepOf(action, { ...parameters }), ioOf());
      await daemon.listenAgain();
      await done;
      expect(daemon.requestsFor(request)).toHaveLength(1);
    },
  );

  test("fails as unavailable, with nothing held back to be done later", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await daemon.stopListening();
    const typing = driver.perform(stepOf("keyboard.type", { text: "abc" }), ioOf());
    await expect(typing).rejects.toMatchObject(failure("bytebot_unavailable"));
    await daemon.listenAgain();
    await driver.perform(stepOf("keyboard.type", { text: "x" }), ioOf());
    expect(daemon.typed).toBe("x");
  });
});

describe("a daemon that dies while it types", () => {
  /** Longer than any test. */
  const rest = () => new Promise<void>(() => undefined);
  const die = async ({ daemon, driver }: Bench, text: string) => {
    daemon.fail({ action: "type_text", with: "die" });
    const typing = driver.perform(stepOf("keyboard.type", { text }), ioOf());
    await expect(typing).rejects.toMatchObject(failure("outcome_unknown"));
  };

  test.each(["aaaa", "Q", "~~", "\n\n", " "])(
    "has the keys of %j let go as soon as it is back, although nobody asks for anything",
    async (text) => {
      await using bench = await openBench({ rest, retryAttempts: 0 });
      const { daemon } = bench;
      await die(bench, text);
      expect(daemon.held.size).toBeGreaterThan(0);
      await daemon.listenAgain();
      await daemon.waitFor(({ held }) => held.size === 0);
      const inputs = daemon.requests.filter(({ action }) => action !== "cursor_position");
      expect(inputs.map(({ action }) => action)).toEqual(["type_text", "press_keys"]);
    },
  );

  test.each([
    ["keyboard.type", { text: "b" }, "type_text"],
    ["mouse.click", {}, "click_mouse"],
    ["screen.capture", {}, "screenshot"],
  ])("has them let go before %s, whatever is asked for first", async (action, parameters, name) => {
    await using bench = await openBench({ rest, retryAttempts: 20, retryPauseMs: 20 });
    const { daemon, driver } = bench;
    await die(bench, "aaaa");
    const next = driver.perform(stepOf(action, parameters), ioOf());
    await daemon.listenAgain();
    await next;
    const actions = daemon.requests.map((request) => request.action);
    expect(actions.indexOf("press_keys")).toBeGreaterThan(0);
    expect(actions.lastIndexOf(name)).toBeGreaterThan(actions.indexOf("press_keys"));
    expect([...daemon.held]).toEqual([]);
  });

  test("has the letter that it was at let go first", async () => {
    await using bench = await openBench({ rest, retryAttempts: 0 });
    const { daemon } = bench;
    await die(bench, "xyzabc");
    await daemon.listenAgain();
    await daemon.waitFor(({ held }) => held.size === 0);
    const [release] = daemon.requestsFor("press_keys");
    expect(release?.body).toMatchObject({ press: "up" });
    expect(release?.body.keys).toEqual(expect.arrayContaining(["X"]));
    expect(JSON.stringify(release?.body.keys)).toMatch(/^\["X"/);
  });

  test("is waited for although it dies again over it", async () => {
    await using bench = await openBench({ rest, retryAttempts: 0 });
    const { daemon } = bench;
    await die(bench, "aaaa");
    daemon.fail({ action: "press_keys", with: "reset" });
    await daemon.listenAgain();
    await daemon.waitFor(({ held }) => held.size === 0);
    expect(daemon.requestsFor("press_keys")).toHaveLength(2);
  });

  test("while the gateway was down as well has them let go after the start", async () => {
    await using bench = await openBench({ rest, retryAttempts: 0 });
    const { daemon } = bench;
    await die(bench, "aaaa");
    await bench.driver[Symbol.asyncDispose]();
    await daemon.listenAgain();
    await using after = await openBench({ url: daemon.url });
    after.driver.recover?.([stepOf("keyboard.type", { text: "aaaa" })], Date.now());
    await daemon.waitFor(({ held }) => held.size === 0);
  });
});

describe("reads", () => {
  test.each([
    ["screen.capture", {}, "screenshot"],
    ["screen.cursor", {}, "cursor_position"],
    ["fs.read", { path: "/tmp/there" }, "read_file"],
  ])("%s is tried again whatever broke", async (action, parameters, request) => {
    await using bench = await openBench({ retryAttempts: 6 });
    const { daemon, driver } = bench;
    daemon.files.files.set("/tmp/there", Buffer.from("x"));
    for (const fault of ["reset", "500", "status 503", "truncated_body"] as const) {
      daemon.fail({ action: request, with: fault });
    }
    await driver.perform(stepOf(action, parameters), ioOf());
    expect(daemon.requestsFor(request)).toHaveLength(5);
  });

  test("a screenshot that never comes ends as unavailable, after as many tries as are set", async () => {
    await using bench = await openBench({ retryAttempts: 2 });
    const { daemon, driver } = bench;
    daemon.fail({ action: "screenshot", with: "reset", times: Number.POSITIVE_INFINITY });
    await expect(driver.perform(stepOf("screen.capture"), ioOf())).rejects.toMatchObject(
      failure("bytebot_unavailable"),
    );
    expect(daemon.requestsFor("screenshot")).toHaveLength(3);
  });

  test.each(["invalid_json", "huge_body"] as const)(
    "an answer of %s is no screenshot",
    async (fault) => {
      await using bench = await openBench();
      const { daemon, driver } = bench;
      daemon.fail({ action: "screenshot", with: fault });
      await expect(driver.perform(stepOf("screen.capture"), ioOf())).rejects.toMatchObject(
        failure("bytebot_error"),
      );
    },
  );
});

describe("the line", () => {
  test("stays held after a lost answer until the action has surely ended", async () => {
    const rest = Promise.withResolvers<void>();
    const asked: number[] = [];
    await using bench = await openBench({
      rest: async (ms) => {
        asked.push(ms);
        await rest.promise;
      },
    });
    const { daemon, driver } = bench;
    daemon.fail({ action: "type_text", with: "reset" });
    const lost = driver.perform(stepOf("keyboard.type", { text: "x".repeat(100) }), ioOf());
    await expect(lost).rejects.toMatchObject(failure("outcome_unknown"));
    const next = driver.perform(stepOf("keyboard.type", { text: "y" }), ioOf());
    await driver.health();
    expect(daemon.requestsFor("type_text")).toHaveLength(1);
    expect(asked).toEqual([expect.closeTo(21_000, -4)]);
    rest.resolve();
    await next;
    expect(daemon.typed).toBe("y");
  });

  test("after a crash of the gateway it waits for what was sent, then releases everything", async () => {
    await using bench = await openBench();
    const { daemon, driver, rests } = bench;
    await driver.perform(stepOf("keyboard.press", { keys: ["Super_L"], press: "down" }), ioOf());
    await using after = await openBench({
      url: daemon.url,
      rest: async (ms) => void rests.push(ms),
    });
    const steps = [stepOf("wait", { duration_ms: 9 }), stepOf("keyboard.type", { text: "abcde" })];
    after.driver.recover?.(steps, Date.now());
    await after.driver.perform(stepOf("keyboard.type", { text: "x" }), ioOf());
    expect(rests).toEqual([1050]);
    expect([...daemon.held]).toEqual([]);
    expect(daemon.typed).toBe("x");
  });

  test("does nothing while keys of before cannot be released, and says so", async () => {
    await using bench = await openBench({ retryAttempts: 0 });
    const { daemon, driver } = bench;
    daemon.fail({ action: "type_keys", with: "reset_midway" });
    daemon.fail({ action: "press_keys", with: "500", times: 3 });
    const chord = stepOf("keyboard.chord", { keys: ["Control_L", "w"] });
    await expect(driver.perform(chord, ioOf())).rejects.toMatchObject(failure("outcome_unknown"));
    const click = stepOf("mouse.click", {});
    await expect(driver.perform(click, ioOf())).rejects.toMatchObject(
      failure("bytebot_unavailable", /cannot be released/),
    );
    expect(daemon.requestsFor("click_mouse")).toEqual([]);
    await driver.perform(click, ioOf());
    expect(daemon.requestsFor("click_mouse")).toHaveLength(1);
    expect([...daemon.held]).toEqual([]);
  });

  test("what is held is released when the driver closes", async () => {
    const bench = await openBench();
    await bench.driver.perform(
      stepOf("keyboard.press", { keys: ["Alt_L"], press: "down" }),
      ioOf(),
    );
    await bench.driver[Symbol.asyncDispose]();
    expect([...bench.daemon.held]).toEqual([]);
    await bench[Symbol.asyncDispose]();
  });
});

function path(): { x: number; y: number }[] {
  return [
    { x: 1, y: 1 },
    { x: 9, y: 9 },
  ];
}

/** The stand-in has done what it was asked for, and the driver what it does on its own. */
async function settled({ daemon, driver }: Bench): Promise<void> {
  await driver.perform(stepOf("screen.cursor"), ioOf());
  await daemon.waitFor(({ idle }) => idle);
}
