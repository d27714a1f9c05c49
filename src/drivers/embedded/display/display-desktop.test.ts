import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { InputEvent } from "x11";
import {
  type DisplayBench,
  missingForDisplay,
  never,
  openDisplayBench,
  openProbe,
  PROBE,
  type Probe,
} from "../../../../test/support/drivers/embedded/display/fixtures.ts";
import { KEYS } from "../../../capabilities/keys.ts";
import { decodePng, readPngSize } from "../../../lib/png.ts";
import type { LiveDisplay } from "./display.ts";

const HELD_SHIFT = 1;
const CONTROL_KEY = 37;
const C_KEY = 54;
const IN_PROBE = { x: PROBE.x + 20, y: PROBE.y + 20 };

const short = ({ name, keycode, buttons }: InputEvent): string =>
  `${name.replace(/(Key|Button)/, "$1 ")} ${keycode} ${buttons & 0xff}`;
const presses = (inputs: readonly InputEvent[], name: string): InputEvent[] =>
  inputs.filter((input) => input.name === name);

describe.skipIf(missingForDisplay())("the desktop of a display", () => {
  let bench: DisplayBench;
  let live: LiveDisplay;
  let probe: Probe;

  beforeAll(async () => {
    bench = openDisplayBench();
    live = await bench.display.use(never);
    probe = await openProbe(live);
  });
  afterAll(async () => {
    probe[Symbol.dispose]();
    await bench[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await bench.desktop.move({ x: 5, y: 5 }, never);
    await probe.connection.sync();
    probe.clear();
  });

  /** Keycodes and buttons that the server says are down. */
  async function held(): Promise<{ keys: number; buttons: number }> {
    const keys = await probe.connection.ask<Buffer>((client, answer) => client.QueryKeymap(answer));
    const { keyMask } = await probe.connection.ask<{ keyMask: number }>((client, answer) =>
      client.QueryPointer(probe.connection.root, answer),
    );
    return { keys: keys.reduce((sum, bits) => sum + bits, 0), buttons: keyMask >> 8 };
  }

  test("the pointer goes where it is sent", async () => {
    for (const to of [
      { x: 0, y: 0 },
      { x: 1279, y: 959 },
      { x: 640, y: 33 },
    ]) {
      await bench.desktop.move(to, never);
      expect(await bench.desktop.cursor(never)).toEqual(to);
    }
  });

  test("a double click is two at one place with what is held, which is let go of after it", async () => {
    const click = { button: "left", count: 2, at: IN_PROBE, holdKeys: ["Shift_L"] } as const;
    await bench.desktop.click(click, never);
    await probe.saw((inputs) => presses(inputs, "KeyRelease").length === 1);
    const clicks = presses(probe.inputs, "ButtonPress");
    expect(
      clicks.map(({ keycode, rootx, rooty, buttons }) => [keycode, rootx, rooty, buttons & 1]),
    ).toEqual([
      [1, IN_PROBE.x, IN_PROBE.y, HELD_SHIFT],
      [1, IN_PROBE.x, IN_PROBE.y, HELD_SHIFT],
    ]);
    expect(await held()).toEqual({ keys: 0, buttons: 0 });
  });

  test.each([
    ["left", 1],
    ["middle", 2],
    ["right", 3],
  ] as const)("the %s button is %i", async (button, number) => {
    await bench.desktop.click({ button, count: 1, at: IN_PROBE, holdKeys: [] }, never);
    await probe.saw((inputs) => presses(inputs, "ButtonRelease").length === 1);
    expect(presses(probe.inputs, "ButtonPress").map(({ keycode }) => keycode)).toEqual([number]);
  });

  test.each([
    ["up", 4],
    ["down", 5],
    ["left", 6],
    ["right", 7],
  ] as const)("scrolling %s is button %i, once a notch", async (direction, number) => {
    await bench.desktop.scroll({ direction, count: 20, at: IN_PROBE, holdKeys: [] }, never);
    await probe.saw((inputs) => presses(inputs, "ButtonRelease").length === 20);
    const notches = presses(probe.inputs, "ButtonPress").map(({ keycode }) => keycode);
    expect(notches).toEqual(Array(20).fill(number));
  });

  test("a drag passes its points in order with the button held", async () => {
    const path = [0, 30, 60, 90].map((step) => ({ x: IN_PROBE.x + step, y: IN_PROBE.y + step }));
    await bench.desktop.drag({ button: "left", path, holdKeys: ["Control_L"] }, never);
    await probe.saw((inputs) => presses(inputs, "KeyRelease").length === 1);
    const names = probe.inputs.map(({ name }) => name);
    const [down, up] = [names.indexOf("ButtonPress"), names.indexOf("ButtonRelease")];
    const way = probe.inputs.slice(down, up).map(({ rootx, rooty }) => `${rootx},${rooty}`);
    expect(way[0]).toBe(`${path[0]?.x},${path[0]?.y}`);
    for (const { x, y } of path) expect(way).toContain(`${x},${y}`);
    expect(names.slice(down + 1, up).every((name) => name === "MotionNotify")).toBe(true);
    expect(await held()).toEqual({ keys: 0, buttons: 0 });
  });

  test("a trace passes its points without a button", async () => {
    const path = Array.from({ length: 40 }, (_, step) => ({ x: IN_PROBE.x + step, y: IN_PROBE.y }));
    await bench.desktop.trace({ path, holdKeys: [] }, never);
    const last = path.at(-1)?.x;
    await probe.saw((inputs) => inputs.at(-1)?.rootx === last);
    expect(probe.inputs.map(({ rootx }) => rootx)).toEqual(path.map(({ x }) => x));
    expect(new Set(probe.inputs.map(({ name }) => name))).toEqual(new Set(["MotionNotify"]));
  });

  test("a chord presses in order and releases in reverse", async () => {
    await bench.desktop.chord(["Control_L", "c"], never);
    await probe.saw((inputs) => inputs.length === 4);
    expect(probe.inputs.map(short)).toEqual([
      `Key Press ${CONTROL_KEY} 0`,
      `Key Press ${C_KEY} 4`,
      `Key Release ${C_KEY} 4`,
      `Key Release ${CONTROL_KEY} 4`,
    ]);
  });

  test("every key there is can be pressed, each a key of its own", async () => {
    for (const key of KEYS) await bench.desktop.chord([key], never);
    await probe.saw((inputs) => presses(inputs, "KeyRelease").length === KEYS.length);
    const keycodes = presses(probe.inputs, "KeyPress").map(({ keycode }) => keycode);
    expect(new Set(keycodes).size).toBe(KEYS.length);
    // The locks are as they were.
    await bench.desktop.chord(["Caps_Lock"], never);
    await bench.desktop.chord(["Num_Lock"], never);
  });

  test("pressed keys and buttons stay down until they are released", async () => {
    await bench.desktop.pressKeys(["Shift_L"], "down", never);
    await bench.desktop.pressButton({ button: "left", press: "down", at: IN_PROBE }, never);
    await bench.desktop.chord(["Shift_L", "c"], never);
    const before = await held();
    expect(before.buttons).toBe(1);
    expect(before.keys).toBeGreaterThan(0);
    await bench.desktop.pressKeys(["Shift_L"], "up", never);
    await bench.desktop.pressButton({ button: "left", press: "up" }, never);
    expect(await held()).toEqual({ keys: 0, buttons: 0 });
  });

  test("release lets go of everything", async () => {
    await bench.desktop.pressKeys(["Control_L", "Alt_L"], "down", never);
    await bench.desktop.pressButton({ button: "right", press: "down", at: IN_PROBE }, never);
    await bench.desktop.release();
    expect(await held()).toEqual({ keys: 0, buttons: 0 });
  });

  test("an abort in the middle lets go of what was held, and the next action waits", async () => {
    const abort = new AbortController();
    const path = Array.from({ length: 200 }, (_, step) => ({
      x: IN_PROBE.x + step,
      y: IN_PROBE.y,
    }));
    const dragged = bench.desktop.drag(
      { button: "left", path, holdKeys: ["Control_L"] },
      abort.signal,
    );
    await probe.saw((inputs) => presses(inputs, "ButtonPress").length === 1);
    expect(await held()).not.toEqual({ keys: 0, buttons: 0 });
    abort.abort();
    await expect(dragged).rejects.toMatchObject({ code: "task_cancelled" });
    await bench.desktop.cursor(never);
    expect(await held()).toEqual({ keys: 0, buttons: 0 });
    expect(probe.inputs.length).toBeLessThan(path.length * 2);
  });

  test("an aborted action does nothing", async () => {
    await expect(bench.desktop.chord(["c"], AbortSignal.abort())).rejects.toMatchObject({
      code: "task_cancelled",
    });
    await bench.desktop.cursor(never);
    await probe.connection.sync();
    expect(probe.inputs).toEqual([]);
  });

  test("actions asked for at once do not mix", async () => {
    await Promise.all(
      ["a", "b", "c"].map((key) => bench.desktop.chord(["Control_L", "Shift_L", key], never)),
    );
    await probe.saw((inputs) => inputs.length === 18);
    const states = probe.inputs.map(({ name, buttons }) => `${name} ${buttons & 0xff}`);
    expect(states.slice(6, 12)).toEqual(states.slice(0, 6));
    expect(states.slice(12, 18)).toEqual(states.slice(0, 6));
  });

  test("a capture is a PNG of the whole screen that shows what a window painted", async () => {
    const { png, width, height } = await bench.desktop.capture(never);
    expect({ width, height }).toEqual({ width: 1280, height: 960 });
    expect(readPngSize(png)).toEqual({ width, height });
    const { rgb } = await decodePng(png, { maxPixels: width * height });
    const pixel = (x: number, y: number): number[] => [
      ...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
    ];
    const { x, y, width: across, height: down, colour } = PROBE;
    expect(pixel(x, y)).toEqual(colour);
    expect(pixel(x + across - 1, y + down - 1)).toEqual(colour);
    expect(pixel(x - 1, y)).not.toEqual(colour);
    expect(pixel(x + across, y)).not.toEqual(colour);
  });
});
