import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasXTools, sees } from "../bytebot/x-tools.ts";
import { call } from "../support/call.ts";
import { run } from "../support/flow.ts";
import { DESKTOPS, type TestedDesktop } from "./both-desktops.ts";
import { screenshotOf } from "./screens.ts";

/** A place in the terminal. */
const INSIDE = { x: 60, y: 60 };

/** What holds on every desktop, whatever drives it: actions, key names, refusals. */
describe.runIf(hasXTools() && sees("bwrap")).each(Object.entries(DESKTOPS))("%s", (_, open) => {
  let desktop: TestedDesktop;
  let before = "";

  beforeAll(async () => {
    desktop = await open();
  });
  afterAll(() => desktop?.[Symbol.asyncDispose]());

  const act = async (action: string, parameters: Record<string, unknown> = {}) => {
    const done = await run(desktop.gateway, action, parameters);
    expect(done, `${action}: ${JSON.stringify(done.error)}`).toMatchObject({ status: "completed" });
    return done;
  };
  /** What the terminal gets by these actions, which must be exactly this. */
  const gets = async (text: string, actions: () => Promise<unknown>) => {
    await actions();
    const all = await desktop.received(
      (received) => received.length >= before.length + text.length,
    );
    expect(all.slice(before.length)).toBe(text);
    before = all;
  };

  test("types text of every script, line feeds as Return", () =>
    gets("héllo ∑ 日本語\nplain", () => act("keyboard.type", { text: "héllo ∑ 日本語\nplain" })));

  test("pastes text of every script", () =>
    gets("päste ∑ 日本語", () => act("keyboard.paste", { text: "päste ∑ 日本語" })));

  test.each([
    [["shift", "a"], "A"],
    [["ctrl", "a"], "\u0001"],
    [["Control_L", "bracketleft"], "\u001b"],
    [["Return"], "\n"],
    [["tab"], "\t"],
    [["F1"], "\u001bOP"],
    [["Up"], "\u001b[A"],
    [["minus"], "-"],
  ])("presses the chord %j, in any of its names", (keys, text) =>
    gets(text, () => act("keyboard.chord", { keys })),
  );

  test("holds keys until they are released, across tasks", () =>
    gets("bB", async () => {
      await act("keyboard.chord", { keys: ["b"] });
      await act("keyboard.press", { keys: ["shift"], press: "down" });
      await act("keyboard.chord", { keys: ["b"] });
      await act("keyboard.press", { keys: ["shift"], press: "up" });
    }));

  test("moves, clicks, drags and traces where it was told", async () => {
    const at = { x: 900, y: 700 };
    const end = { x: 950, y: 720 };
    const pointer = async () => (await act("screen.cursor")).result;
    await act("mouse.move", { coordinates: at });
    expect(await pointer()).toEqual(at);
    await act("mouse.click", { coordinates: end, button: "left", click_count: 2 });
    expect(await pointer()).toEqual(end);
    await act("mouse.drag", { path: [at, end, at] });
    expect(await pointer()).toEqual(at);
    await act("mouse.trace", { path: [at, end], hold_keys: ["shift"] });
    expect(await pointer()).toEqual(end);
  });

  /** What a terminal is told of a button: its number, then that it was let go. */
  const click = (button: number) => {
    const told = (code: number) => `\u001b[M${String.fromCharCode(32 + code)}`;
    return `${told(button)}..${told(3)}..`;
  };
  /** The places, which depend on the window's own, stand as dots. */
  const reported = (text: string) =>
    text
      .split("\u001b[M")
      .map((told, index) => (index === 0 ? told : `${told[0]}..${told.slice(3)}`))
      .join("\u001b[M");

  test.each([
    ["left", 0, 1],
    ["middle", 1, 1],
    ["right", 2, 1],
    ["left", 0, 2],
  ])("the program under it is clicked with the %s button", async (button, number, times) => {
    // One click more, into the terminal: it has the focus whatever was clicked before.
    await act("mouse.click", { coordinates: INSIDE, button, click_count: times });
    const expected = click(number).repeat(times);
    const all = await desktop.received((text) => text.length >= before.length + expected.length);
    expect(reported(all.slice(before.length))).toBe(expected);
    before = all;
  });

  test("the program under it is scrolled", async () => {
    await act("mouse.scroll", { direction: "down", scroll_count: 2, coordinates: INSIDE });
    // The wheel is two buttons more; a terminal is not told that it was let go.
    const expected = `\u001b[Ma..`.repeat(2);
    const all = await desktop.received((text) => text.length >= before.length + expected.length);
    expect(reported(all.slice(before.length))).toBe(expected);
    before = all;
    // And no modifier was left behind.
    await gets("c", () => act("keyboard.chord", { keys: ["c"] }));
  });

  test("captures the whole screen as a PNG of its size", async () => {
    const captured = await act("screen.capture");
    const { width, height } = await screenshotOf(desktop.gateway, captured);
    // A daemon cannot tell which windows there are.
    const { focused_window: _, windows: __, ...size } = captured.result as Record<string, unknown>;
    expect(size).toEqual({ width, height });
    expect([width, height]).toEqual([1280, 960]);
  });

  test.each([
    ["mouse.click", { coordinates: { x: 1280, y: 0 } }, "invalid_request"],
    [
      "mouse.drag",
      {
        path: [
          { x: 0, y: 0 },
          { x: 0, y: 960 },
        ],
      },
      "invalid_request",
    ],
    ["keyboard.chord", { keys: ["F13"] }, "invalid_request"],
    ["keyboard.chord", { keys: ["constructor"] }, "invalid_request"],
    ["app.open", { application: "unheard-of" }, "application_not_allowed"],
  ])("refuses %s %j before anything is done", async (action, parameters, code) => {
    const body = { action, parameters };
    const answer = await call<{ code: string }>(desktop.gateway, "POST", "/plan", body);
    expect(answer.body.code).toBe(code);
  });
});
