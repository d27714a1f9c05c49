import { describe, expect, test } from "vitest";
import { FakeDesktop } from "../../../test/support/drivers/desktop/fixtures.ts";
import { failure, ioOf } from "../../../test/support/drivers/step/fixtures.ts";
import { capabilities } from "../../capabilities/registry.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import { readPngSize } from "../../lib/png.ts";
import type { PlannedStep } from "../../tasks/task.ts";
import { DesktopActions } from "./desktop-actions.ts";

const AT = { x: 50, y: 40 };
const PATH = [AT, { x: 60, y: 41 }];

function stepOf(action: string, parameters: Parameters = {}): PlannedStep {
  return { action, parameters, risk: "medium", bound: {} };
}

describe("performing", () => {
  test.each<[string, Parameters, unknown[]]>([
    ["mouse.move", { coordinates: AT }, ["move", AT]],
    [
      "mouse.click",
      { coordinates: AT, button: "right", click_count: 2, hold_keys: ["Shift_L"] },
      ["click", { at: AT, button: "right", count: 2, holdKeys: ["Shift_L"] }],
    ],
    ["mouse.click", {}, ["click", { button: "left", count: 1, holdKeys: [] }]],
    [
      "mouse.press",
      { press: "down", coordinates: AT },
      ["pressButton", { button: "left", press: "down", at: AT }],
    ],
    [
      "mouse.drag",
      { path: PATH, button: "middle" },
      ["drag", { path: PATH, button: "middle", holdKeys: [] }],
    ],
    [
      "mouse.trace",
      { path: PATH, hold_keys: ["Alt_L"] },
      ["trace", { path: PATH, holdKeys: ["Alt_L"] }],
    ],
    [
      "mouse.scroll",
      { direction: "left", scroll_count: 3, coordinates: AT },
      ["scroll", { direction: "left", count: 3, at: AT, holdKeys: [] }],
    ],
    ["mouse.scroll", { direction: "up" }, ["scroll", { direction: "up", count: 1, holdKeys: [] }]],
    ["keyboard.type", { text: "a" }, ["type", "a"]],
    ["keyboard.paste", { text: "b" }, ["paste", "b"]],
    ["keyboard.chord", { keys: ["Control_L", "c"] }, ["chord", ["Control_L", "c"]]],
    ["keyboard.press", { keys: ["a"], press: "up" }, ["pressKeys", ["a"], "up"]],
  ])("%s %j does one thing and has no result", async (action, parameters, call) => {
    const desktop = new FakeDesktop();
    const actions = new DesktopActions(desktop);
    expect(await actions.perform(stepOf(action, parameters), ioOf())).toEqual({});
    expect(desktop.calls).toEqual([call]);
  });

  test.each([
    [
      "browser.open",
      { url: "http://localhost/" },
      { url: "http://localhost/", screen_changed: true },
      1,
    ],
    ["app.open", { application: "firefox" }, { screen_changed: true }, 1],
    ["screen.capture", {}, { width: 200, height: 100, focused_window: "a shell" }, 1],
    ["screen.cursor", {}, { x: 7, y: 8 }, 0],
  ])("%s answers and keeps its picture", async (action, parameters, result, pictures) => {
    const actions = new DesktopActions(new FakeDesktop());
    const io = ioOf();
    expect(await actions.perform(stepOf(action, parameters), io)).toEqual(result);
    expect(io.kept).toHaveLength(pictures);
    for (const { name, mediaType, content } of io.kept) {
      expect([name, mediaType]).toEqual(["screen.png", "image/png"]);
      expect(readPngSize(content)).toEqual({ width: 200, height: 100 });
    }
  });

  test("a picture names the windows on the screen, as text, where the desktop can tell", async () => {
    const desktop = new FakeDesktop();
    const actions = new DesktopActions(desktop);
    const capture = () => actions.perform(stepOf("screen.capture"), ioOf());
    desktop.focused = { identity: "0x2 x", title: "a\u202e\nb" };
    expect(await capture()).toMatchObject({ focused_window: "a⟦U+202E⟧⟦U+000A⟧b" });
    desktop.focused = undefined;
    expect(await capture()).toEqual({ width: 200, height: 100 });
    desktop.shown = [{ title: "one\u202e", x: -5, y: 6, width: 70, height: 80 }];
    expect(await capture()).toEqual({
      width: 200,
      height: 100,
      windows: [{ title: "one⟦U+202E⟧", x: -5, y: 6, width: 70, height: 80 }],
    });
    const blind = Object.assign(new FakeDesktop(), { focus: undefined, windows: undefined });
    const seen = await new DesktopActions(blind).perform(stepOf("screen.capture"), ioOf());
    expect(seen).toEqual({ width: 200, height: 100 });
  });

  test.each([
    ["app.open", { application: "gimp" }, /^The screen has not changed: gimp may not be installed/],
    ["browser.open", { url: "http://localhost/" }, /^The screen has not changed: the browser may/],
  ])("%s says that the screen has not changed", async (action, parameters, note) => {
    const desktop = new FakeDesktop();
    desktop.opens = false;
    const result = await new DesktopActions(desktop).perform(stepOf(action, parameters), ioOf());
    expect(result).toMatchObject({ screen_changed: false, note: expect.stringMatching(note) });
  });

  test("takes every action that holds a desktop but the agent's", () => {
    const actions = new DesktopActions(new FakeDesktop());
    const held = [...capabilities.values()].filter(({ lock }) => lock === "desktop");
    expect(
      held.filter(({ action }) => !actions.handles(action)).map(({ action }) => action),
    ).toEqual(["agent.task"]);
  });

  test.each([
    ["mouse.click", { coordinates: { x: 200, y: 0 } }],
    ["mouse.trace", { path: [AT, { x: 0, y: 100 }] }],
  ])("%s outside of the screen does nothing", async (action, parameters) => {
    const desktop = new FakeDesktop();
    const actions = new DesktopActions(desktop);
    for (let call = 0; call < 2; call++) {
      await expect(actions.perform(stepOf(action, parameters), ioOf())).rejects.toMatchObject(
        failure("invalid_request", /has 200 by 100 pixels/),
      );
    }
    expect(desktop.calls.flat()).not.toContain(action.slice("mouse.".length));
    // The size is asked for once.
    expect(desktop.captures).toBe(1);
  });

  test("a step that fails releases what is held", async () => {
    const desktop = new FakeDesktop();
    desktop.failure = new GatewayError("outcome_unknown", "lost");
    const typing = new DesktopActions(desktop).perform(
      stepOf("keyboard.type", { text: "a" }),
      ioOf(),
    );
    await expect(typing).rejects.toMatchObject(failure("outcome_unknown"));
    expect(desktop.calls).toEqual([["type", "a"], ["release"]]);
  });

  test.each([
    ["keyboard.press", { keys: ["a"], press: "down" }],
    ["mouse.press", { press: "down" }],
  ])("what %s holds is released when the task is aborted later", async (action, parameters) => {
    const desktop = new FakeDesktop();
    const stop = new AbortController();
    const io = ioOf({ signal: stop.signal });
    await new DesktopActions(desktop).perform(stepOf(action, parameters), io);
    expect(desktop.calls).toHaveLength(1);
    stop.abort();
    expect(desktop.calls.at(-1)).toEqual(["release"]);
  });

  test("nothing happens in a task that is aborted already", async () => {
    const desktop = new FakeDesktop();
    const io = ioOf({ signal: AbortSignal.abort() });
    const typing = new DesktopActions(desktop).perform(stepOf("keyboard.type", { text: "a" }), io);
    await expect(typing).rejects.toMatchObject(failure("task_cancelled"));
    expect(desktop.calls).toEqual([]);
  });
});
