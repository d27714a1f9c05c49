import { describe, expect, test } from "vitest";
import { openBench, stepOf } from "../../../test/support/drivers/bytebot/fixtures.ts";
import { failure, ioOf, LOOK } from "../../../test/support/drivers/step/fixtures.ts";
import { KEYS } from "../../capabilities/keys.ts";
import { toByteBotKeys } from "./key-names.ts";

const SECRET = "hunter2-and-more";

describe("ByteBot's quirks", () => {
  test.each([
    "/tmp/$(id)",
    "/tmp/`id`",
    '/tmp/a"; id; "',
    "/tmp/a\\",
    "/tmp/a\nb",
    "/tmp/a\u202eb",
    "/tmp/a;b",
    "/tmp/a'b",
    "relative.txt",
  ])("quirk 1: the path %j is refused before anything is sent", async (path) => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    for (const [action, rest] of FILE_ACTIONS) {
      const parameters = { path, ...rest };
      await expect(driver.perform(stepOf(action, parameters), ioOf())).rejects.toMatchObject(
        failure("path_not_allowed"),
      );
      await expect(driver.inspect(action, parameters, LOOK)).rejects.toMatchObject(
        failure("path_not_allowed"),
      );
    }
    expect(daemon.requests).toEqual([]);
  });

  test("quirk 1: names that people use are sent, and nothing of them is run", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const path = "/home/user/Desktop/Bericht (März) ~ 50% [v2] a+b,c=d@e_日本.txt";
    await driver.perform(stepOf("fs.write", { path, content: "x" }), ioOf());
    expect(daemon.files.text(path)).toBe("x");
    expect(daemon.files.injected).toEqual([]);
  });

  test.each(["/tmp/../etc/passwd", "/tmp/./a", "/tmp/.."])(
    "quirk 2: %s is refused, for ByteBot would follow it as root",
    async (path) => {
      await using bench = await openBench();
      for (const [action, rest] of FILE_ACTIONS) {
        const step = stepOf(action, { path, ...rest });
        await expect(bench.driver.perform(step, ioOf())).rejects.toMatchObject(
          failure("path_not_allowed"),
        );
      }
      expect(bench.daemon.requests).toEqual([]);
    },
  );

  test("quirk 3: a directory is not written to, and success is not believed", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const onDirectory = { path: "/home/user", content: "x", mode: "overwrite" };
    await expect(driver.perform(stepOf("fs.write", onDirectory), ioOf())).rejects.toMatchObject(
      failure("not_a_file"),
    );
    await expect(
      driver.perform(stepOf("fs.write", { ...onDirectory, path: "/tmp/" }), ioOf()),
    ).rejects.toMatchObject(failure("not_a_file"));
    expect(daemon.files.spoiltDirectories).toEqual([]);

    const files = daemon.files.files;
    const set = files.set.bind(files);
    files.set = (path, bytes) => set(path, bytes.subarray(1));
    const write = stepOf("fs.write", { path: "/tmp/a", content: "xyz" });
    await expect(driver.perform(write, ioOf())).rejects.toMatchObject(
      failure("bytebot_error", /reading it back gives something else/),
    );
  });

  test("quirk 3: what is no base64 is never sent, and never taken for content", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const write = stepOf("fs.write", { path: "/tmp/a", content: "!!!", encoding: "base64" });
    await expect(driver.perform(write, ioOf())).rejects.toMatchObject(failure("invalid_request"));
    expect(daemon.requests).toEqual([]);
  });

  test("quirk 4: no key that could crash the daemon has a way to it", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const keys = ["F13", "F24", "Clear", "AudioRepeat", "AudioRandom", "Menu", "LeftCmd", "Fn"];
    for (const key of keys) {
      for (const [action, parameters] of KEY_ACTIONS) {
        const step = stepOf(action, parameters(key));
        await expect(driver.perform(step, ioOf())).rejects.toMatchObject(
          failure("invalid_request"),
        );
      }
    }
    expect(inputsOf(daemon.requests)).toEqual([]);
  });

  test("an application that is not there answers as one that is, and the result tells", async () => {
    await using bench = await openBench();
    bench.daemon.missing.add("thunderbird");
    const open = stepOf("app.open", { application: "thunderbird" });
    expect(await bench.driver.perform(open, ioOf())).toEqual({
      screen_changed: false,
      note: expect.stringContaining("thunderbird may not be installed there"),
    });
    expect(bench.daemon.launched).toEqual([]);
  });

  test("one that shows itself has changed the screen", async () => {
    await using bench = await openBench();
    const { daemon } = bench;
    const opened = bench.driver.perform(stepOf("app.open", { application: "vscode" }), ioOf());
    await daemon.waitFor(({ launched }) => launched.length === 1);
    daemon.screen.fill(0, 0, 900, 900, [250, 250, 250]);
    expect(await opened).toEqual({ screen_changed: true });
  });

  test("what is pasted into a terminal arrives as ^V, and the plan says so", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await driver.perform(stepOf("app.open", { application: "terminal" }), ioOf());
    await driver.perform(stepOf("keyboard.type", { text: "é" }), ioOf());
    expect(daemon.typed).toBe("^V");
    const notes = async (action: string, parameters: object) => {
      const { preview } = await driver.inspect(action, { ...parameters }, LOOK);
      return preview?.kind === "text" ? preview.note : undefined;
    };
    const pasted = /a terminal shows \^V .* stays on the desktop's clipboard\.$/;
    expect(await notes("keyboard.type", { text: "é" })).toMatch(pasted);
    expect(await notes("keyboard.paste", { text: "e" })).toMatch(pasted);
    expect(await notes("keyboard.type", { text: "e" })).toBeUndefined();
    expect(await notes("keyboard.type", { text: "e", sensitive: true })).toMatch(
      /^ByteBot's desktop writes it into its log in clear/,
    );
  });

  test("quirk 4: a reset connection means that the outcome is unknown, and nothing is sent again", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    daemon.fail({ action: "type_text", with: "crash" });
    const step = stepOf("keyboard.type", { text: "abc" });
    await expect(driver.perform(step, ioOf())).rejects.toMatchObject(failure("outcome_unknown"));
    expect(daemon.requestsFor("type_text")).toHaveLength(1);
  });

  test("quirk 5: keys have an own list of names, and all of it works", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    for (const key of ["constructor", "toString", "__proto__", "Esc", "plus", "ctrl+c", ""]) {
      expect(() => toByteBotKeys([key])).toThrow(
        expect.objectContaining({ code: "invalid_request" }),
      );
    }
    for (const key of KEYS) {
      await driver.perform(stepOf("keyboard.chord", { keys: [key] }), ioOf());
      expect(daemon.events.slice(-2)).toEqual([
        { kind: "key", key, press: "down" },
        { kind: "key", key, press: "up" },
      ]);
    }
  });

  test("quirk 6: a chord is sent as one, its keys in order", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await driver.perform(stepOf("keyboard.chord", { keys: ["Shift_L", "a"] }), ioOf());
    expect(daemon.typed).toBe("A");
    expect(daemon.requests.map(({ body }) => body)).toEqual([
      { action: "type_keys", keys: ["Shift_L", "A"] },
    ]);
  });

  test("quirk 7: a bad key is found before the earlier ones are held", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const click = stepOf("mouse.click", { hold_keys: ["Shift_L", "Hyper_L"] });
    await expect(driver.perform(click, ioOf())).rejects.toMatchObject(failure("invalid_request"));
    expect(daemon.requests).toEqual([]);
  });

  test("quirk 7: what an error in the middle leaves held is released", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const hold = stepOf("keyboard.press", { keys: ["Control_L"], press: "down" });
    await driver.perform(hold, ioOf());
    expect([...daemon.held]).toEqual(["Control_L"]);
    daemon.fail({ action: "click_mouse", with: "500" });
    const click = stepOf("mouse.click", { hold_keys: ["Shift_L"] });
    await expect(driver.perform(click, ioOf())).rejects.toMatchObject(failure("bytebot_error"));
    await daemon.waitFor(({ held, idle }) => held.size === 0 && idle);
    expect(keysReleased(daemon.requests)).toEqual(expect.arrayContaining(["Control_L", "Shift_L"]));
  });

  test("quirk 7: what is held when the task is cancelled is released", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const stop = new AbortController();
    const io = ioOf({ signal: stop.signal });
    await driver.perform(stepOf("keyboard.press", { keys: ["Alt_L"], press: "down" }), io);
    await driver.perform(stepOf("mouse.press", { press: "down" }), io);
    expect([...daemon.held].sort()).toEqual(["Alt_L", "button:left"]);
    stop.abort();
    await daemon.waitFor(({ held }) => held.size === 0);
  });

  test("quirk 7: what goes down after the task was cancelled is released too", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const pressing = daemon.fail({ action: "press_keys", with: "hang_after_effect" });
    const stop = new AbortController();
    const press = stepOf("keyboard.press", { keys: ["Super_L"], press: "down" });
    const failing = driver.perform(press, ioOf({ signal: stop.signal }));
    await pressing.hit;
    stop.abort();
    await expect(failing).rejects.toMatchObject(failure("task_cancelled"));
    await daemon.waitFor(({ held }) => held.has("Super_L"));
    pressing.release();
    await daemon.waitFor(({ held }) => held.size === 0);
  });

  test("quirk 8: text that ByteBot cannot type is pasted whole, other text is typed", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    for (const text of ["plain ~ASCII\n", "héllo ∑ 日本語", "a\tb", "😀"]) {
      await driver.perform(stepOf("keyboard.type", { text }), ioOf());
    }
    expect(daemon.typed).toBe("plain ~ASCII\nhéllo ∑ 日本語a\tb😀");
    expect(daemon.requests.map(({ action }) => action)).toEqual([
      "type_text",
      "paste_text",
      "paste_text",
      "paste_text",
    ]);
  });

  test("quirk 9: actions asked for at once come one after the other", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await Promise.all(
      ["aaaa", "BBBB", "cccc"].map((text) =>
        driver.perform(stepOf("keyboard.type", { text }), ioOf()),
      ),
    );
    expect(daemon.typed).toBe("aaaaBBBBcccc");
  });

  test("quirk 10: an abort is answered at once, and what comes next waits for the daemon", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const typing = daemon.fail({ action: "type_text", with: "hang_after_effect" });
    const stop = new AbortController();
    const first = driver.perform(
      stepOf("keyboard.type", { text: "abc" }),
      ioOf({ signal: stop.signal }),
    );
    await typing.hit;
    stop.abort();
    await expect(first).rejects.toMatchObject(failure("task_cancelled"));
    const second = driver.perform(stepOf("keyboard.type", { text: "X" }), ioOf());
    await daemon.waitFor(({ typed }) => typed === "abc");
    expect(daemon.requests).toHaveLength(1);
    typing.release();
    await second;
    expect(daemon.typed).toBe("abcX");
  });

  test("quirk 10: the time-out leaves typing its time", async () => {
    // 210 ms for each of 4 characters, with the stand-in at the pace of the real one.
    await using bench = await openBench({ requestTimeoutMs: 100 }, { latency: "real" });
    await bench.driver.perform(stepOf("keyboard.type", { text: "abcd" }), ioOf());
    expect(bench.daemon.typed).toBe("abcd");
  });

  test.each([
    ["mouse.click", { coordinates: { x: 1280, y: 5 } }],
    ["mouse.move", { coordinates: { x: 5, y: 960 } }],
    ["mouse.press", { press: "up", coordinates: { x: 32_767, y: 5 } }],
    ["mouse.scroll", { direction: "up", coordinates: { x: 5, y: 32_767 } }],
    ["mouse.drag", { path: [AT(1, 1), AT(1280, 1)] }],
    ["mouse.trace", { path: [AT(1, 960), AT(1, 1)] }],
  ])("quirk 11: %s outside of the real screen is refused", async (action, parameters) => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const refusal = failure("invalid_request", /1280 by 960/);
    await expect(driver.inspect(action, parameters, LOOK)).rejects.toMatchObject(refusal);
    const unsettled = { ...LOOK, isScreenSettled: false };
    await expect(driver.inspect(action, parameters, unsettled)).rejects.toMatchObject(refusal);
    await expect(driver.perform(stepOf(action, parameters), ioOf())).rejects.toMatchObject(refusal);
    expect(inputsOf(daemon.requests)).toEqual([]);
  });

  test("quirk 12: an answer of 64 MB is not read to its end", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    daemon.fail({ action: "screenshot", with: "huge_body", bytes: 64 * 1024 * 1024 });
    await expect(driver.perform(stepOf("screen.capture"), ioOf())).rejects.toMatchObject(
      failure("bytebot_error", /more than/),
    );
    await daemon.waitFor(({ requests }) => requests[0]?.clientGone);
  });

  test("quirk 12: what is echoed of the input reaches nobody", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    for (const fault of ["status 400", "500", "status 418"] as const) {
      daemon.fail({ action: "paste_text", with: fault });
      const error: unknown = await driver
        .perform(stepOf("keyboard.paste", { text: SECRET }), ioOf())
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject(failure("bytebot_error"));
      expect(JSON.stringify(error) + String(error)).not.toContain(SECRET);
      expect(JSON.stringify(error) + String(error)).not.toContain("made to fail");
    }
  });

  test("quirk 13: only JSON is sent, and only to /computer-use", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await driver.perform(stepOf("keyboard.type", { text: "a=b" }), ioOf());
    await driver.health();
    expect(new Set(daemon.requests.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(["POST /computer-use"]),
    );
  });

  test("quirk 14: /websockify is never asked for", async () => {
    await using bench = await openBench();
    await bench.driver.health();
    expect(bench.daemon.websocketsBroken).toBe(false);
  });
});

const FILE_ACTIONS = [
  ["fs.read", {}],
  ["fs.write", { content: "x" }],
  ["fs.edit", { old_text: "a", new_text: "b" }],
] as const;

const KEY_ACTIONS: readonly (readonly [string, (key: string) => Record<string, unknown>])[] = [
  ["keyboard.chord", (key) => ({ keys: ["Control_L", key] })],
  ["keyboard.press", (key) => ({ keys: [key], press: "down" })],
  ["mouse.click", (key) => ({ hold_keys: [key] })],
];

function AT(x: number, y: number): { x: number; y: number } {
  return { x, y };
}

interface Sent {
  readonly action: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What reached the keyboard or the mouse. */
function inputsOf(requests: readonly Sent[]): string[] {
  const looks = ["screenshot", "cursor_position"];
  return requests.map(({ action }) => action).filter((action) => !looks.includes(action));
}

function keysReleased(requests: readonly Sent[]): unknown[] {
  return requests
    .filter(({ action, body }) => action === "press_keys" && body.press === "up")
    .flatMap(({ body }) => (Array.isArray(body.keys) ? body.keys : []));
}
