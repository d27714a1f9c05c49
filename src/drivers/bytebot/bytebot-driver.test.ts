import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { openBench, stepOf } from "../../../test/support/drivers/bytebot/fixtures.ts";
import { failure, ioOf, LOOK } from "../../../test/support/drivers/step/fixtures.ts";
import { capabilities } from "../../capabilities/registry.ts";
import type { StepIo } from "../../tasks/driver.ts";
import type { AgentRunner } from "./agent/agent-runner.ts";
import { openBytebotDriver } from "./bytebot-driver.ts";

const OPTIONS = { apiKey: undefined, requestTimeoutMs: 1000, retryAttempts: 0 };

describe("what is offered", () => {
  test("every capability but those that the daemon has no way for", async () => {
    await using bench = await openBench();
    const missing = [...capabilities.keys()].filter(
      (action) => !bench.driver.availability(action).available,
    );
    expect(missing.sort()).toEqual(["agent.task", "fs.list", "shell.run"]);
    for (const action of missing) {
      expect(bench.driver.availability(action)).toMatchObject({ code: "capability_disabled" });
      await expect(bench.driver.perform(stepOf(action), ioOf())).rejects.toMatchObject(
        failure("capability_disabled"),
      );
    }
    expect(bench.daemon.requests).toEqual([]);
  });

  test("the agent, where there is one; it acts in the desktop's turn", async () => {
    const agent: AgentRunner = {
      availability: () => ({ available: true }),
      perform: async (_step, io: StepIo) => ({ signal: io.signal.aborted }),
      health: async () => ({ detail: "the agent is ill", hint: "wait" }),
      [Symbol.asyncDispose]: async () => {},
    };
    let forward: unknown;
    await using bench = await openBench({
      openAgent: (given) => {
        forward = given(
          { action: "type_text", text: "by the agent" },
          new AbortController().signal,
        );
        return agent;
      },
    });
    expect(await forward).toEqual({ status: 201 });
    expect(bench.daemon.typed).toBe("by the agent");
    expect(bench.driver.availability("agent.task")).toEqual({ available: true });
    expect(await bench.driver.perform(stepOf("agent.task"), ioOf())).toEqual({ signal: false });
    expect(await bench.driver.health()).toEqual({ detail: "the agent is ill", hint: "wait" });
  });
});

describe("actions", () => {
  test("a page is opened in the browser: address bar, paste, return, then a screenshot", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const io = ioOf();
    const url = "http://localhost:8000/ü?a=b";
    expect(await driver.perform(stepOf("browser.open", { url }), io)).toEqual({
      url,
      screen_changed: false,
      note: expect.stringMatching(/not changed: the browser may not/),
    });
    const sent = daemon.requests.map(({ body }) => body);
    expect(sent.filter(({ action }) => action !== "screenshot")).toEqual([
      { action: "application", application: "firefox" },
      { action: "type_keys", keys: ["Control_L", "L"] },
      { action: "paste_text", text: url },
      { action: "type_keys", keys: ["Return"] },
    ]);
    expect(sent.at(-1)).toEqual({ action: "screenshot" });
    expect(io.kept).toMatchObject([{ name: "screen.png", mediaType: "image/png" }]);
  });

  test("the address is typed only when the browser's window has come", async () => {
    const window = { pause: 1, unchanged: 60_000, limit: 60_000 };
    const page = { pause: 1, unchanged: 1, limit: 100 };
    await using bench = await openBench({ times: { window, page } });
    const { daemon, driver } = bench;
    const url = "http://localhost/";
    const opened = driver.perform(stepOf("browser.open", { url }), ioOf());
    await daemon.waitFor(({ requests }) => requests.filter(isScreenshot).length > 4);
    expect(daemon.requestsFor("type_keys")).toEqual([]);
    daemon.screen.fill(100, 100, 900, 700, [250, 250, 250]);
    await opened;
    expect(daemon.typed).toBe(`${url}\n`);
  });

  test("an application that ByteBot does not know is refused at once", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const parameters = { application: "gimp" };
    const refusal = failure("invalid_request");
    await expect(driver.inspect("app.open", parameters, LOOK)).rejects.toMatchObject(refusal);
    await expect(driver.perform(stepOf("app.open", parameters), ioOf())).rejects.toMatchObject(
      refusal,
    );
    expect(daemon.requests).toEqual([]);
  });

  test("waiting does not hold the desktop", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await driver.perform(stepOf("wait", { duration_ms: 1 }), ioOf());
    expect(daemon.requests).toEqual([]);
  });

  test("the key is sent as a bearer token", async () => {
    await using bench = await openBench({ apiKey: "k1" }, { apiKey: "k1" });
    await bench.driver.perform(stepOf("keyboard.type", { text: "x" }), ioOf());
    expect(bench.daemon.requests[0]?.authorization).toBe("Bearer k1");
  });

  test("a breaker that is open sends nothing, and closes by a probe", async () => {
    let now = 0;
    const breaker = { threshold: 2, coolDownMs: 1000, now: () => now };
    await using bench = await openBench({ retryAttempts: 0, breaker });
    const { daemon, driver } = bench;
    daemon.fail({ action: "move_mouse", with: "reset", times: 2 });
    const move = stepOf("mouse.move", { coordinates: { x: 1, y: 1 } });
    await driver.perform(stepOf("screen.capture"), ioOf());
    for (let call = 0; call < 2; call++) {
      await expect(driver.perform(move, ioOf())).rejects.toMatchObject(failure("outcome_unknown"));
    }
    const seen = daemon.requests.length;
    await expect(driver.perform(move, ioOf())).rejects.toMatchObject({
      code: "bytebot_unavailable",
      extras: { retry_after: 1 },
    });
    expect(daemon.requests).toHaveLength(seen);
    now = 1000;
    await driver.perform(move, ioOf());
    expect(daemon.requests.slice(seen).map(({ action }) => action)).toEqual([
      "cursor_position",
      "move_mouse",
    ]);
  });
});

describe("health", () => {
  test("is well where the daemon tells its pointer", async () => {
    await using bench = await openBench();
    expect(await bench.driver.health()).toBeUndefined();
    expect(bench.daemon.requests.map(({ action }) => action)).toEqual(["cursor_position"]);
  });

  test("says that nothing listens, and where", async () => {
    await using bench = await openBench();
    await bench.daemon.stopListening();
    expect(await bench.driver.health()).toMatchObject({
      detail: expect.stringMatching(/nothing listens at 127\.0\.0\.1:\d+/),
      hint: expect.stringContaining("BYTEBOT_URL"),
    });
  });

  test("says that the key is refused", async () => {
    await using bench = await openBench({ apiKey: "wrong" }, { apiKey: "right" });
    expect(await bench.driver.health()).toMatchObject({
      detail: expect.stringContaining("refuses the key"),
      hint: expect.stringContaining("BYTEBOT_API_KEY"),
    });
  });

  test.each([
    [404, "no such page"],
    [200, "<html>"],
    [201, '{"image":"x"}'],
    [201, "<html>"],
  ])("says that what answers %i %s is not ByteBot", async (status, body) => {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await using driver = openBytebotDriver({ ...OPTIONS, url: `http://127.0.0.1:${port}` });
    expect(await driver.health()).toMatchObject({
      hint: expect.stringContaining("desktop daemon (port 9990)"),
    });
    server.close();
  });

  test("is asked while the desktop is busy", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const typing = daemon.fail({ action: "type_text", with: "hang_after_effect" });
    const busy = driver.perform(stepOf("keyboard.type", { text: "abc" }), ioOf());
    await typing.hit;
    expect(await driver.health()).toBeUndefined();
    typing.release();
    await busy;
  });
});

function isScreenshot({ action }: { action: string }): boolean {
  return action === "screenshot";
}

describe("what was seen at plan time", () => {
  test("a click whose target has changed since is not sent", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    const parameters = { coordinates: { x: 640, y: 480 } };
    const { bound, picture } = await driver.inspect("mouse.click", parameters, LOOK);
    expect(picture).toMatchObject({ width: 1280, height: 960, targets: [{ x: 640, y: 480 }] });
    daemon.screen.fill(620, 470, 40, 20, [255, 255, 255]);
    const click = stepOf("mouse.click", parameters, bound);
    await expect(driver.perform(click, ioOf())).rejects.toMatchObject(failure("state_changed"));
    expect(daemon.requestsFor("click_mouse")).toEqual([]);
    daemon.screen.fill(0, 0, 1280, 960, [40, 60, 90]);
    await driver.perform(click, ioOf());
    expect(daemon.pointer).toEqual({ x: 640, y: 480 });
  });

  test("looking has no effect", async () => {
    await using bench = await openBench();
    const { daemon, driver } = bench;
    await driver.inspect("mouse.scroll", { direction: "up" }, LOOK);
    await driver.inspect("keyboard.type", { text: "a" }, LOOK);
    expect(daemon.requests.map(({ action }) => action)).toEqual(["screenshot", "cursor_position"]);
    expect(daemon.events).toEqual([]);
  });
});
