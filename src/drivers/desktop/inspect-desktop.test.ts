import { describe, expect, test } from "vitest";
import { FakeDesktop } from "../../../test/support/drivers/desktop/fixtures.ts";
import { failure, ioOf, LOOK } from "../../../test/support/drivers/step/fixtures.ts";
import type { Parameters } from "../../contract/task.ts";
import { decodePng } from "../../lib/png.ts";
import type { InspectContext, Inspection, StepIo } from "../../tasks/driver.ts";
import { DesktopActions } from "./desktop-actions.ts";

const AT = { x: 100, y: 50 };
const PATH = [AT, { x: 150, y: 60 }];
const RADIUS = 20;
const CHECK = { enabled: true, tolerance: 0.05, radius_px: RADIUS };
const SETTLED: InspectContext = { ...LOOK, targetCheck: CHECK };
const UNSETTLED: InspectContext = { ...SETTLED, isScreenSettled: false };
const OFF: InspectContext = { ...SETTLED, targetCheck: { ...CHECK, enabled: false } };

const BOUND: readonly (readonly [string, Parameters])[] = [
  ["mouse.click", { coordinates: AT }],
  ["mouse.press", { coordinates: AT, press: "down" }],
  ["mouse.drag", { path: PATH }],
  ["mouse.scroll", { coordinates: AT, direction: "up" }],
];
const SHOWN: readonly (readonly [string, Parameters])[] = [
  ["mouse.move", { coordinates: AT }],
  ["mouse.press", { coordinates: AT, press: "up" }],
  ["mouse.trace", { path: PATH }],
];
const TYPED: readonly (readonly [string, Parameters, string])[] = [
  ["keyboard.type", { text: "secret" }, "secret"],
  ["keyboard.paste", { text: "secret" }, "secret"],
  ["keyboard.chord", { keys: ["Control_L", "v"] }, "Control_L + v"],
  ["keyboard.press", { keys: ["a"], press: "down" }, "a"],
];

test.each([
  ["keyboard.paste", true, /\. It is a terminal, which shows \^V/],
  ["keyboard.paste", false, /^Into the window "a shell"\.$/],
  ["keyboard.type", true, /^Into the window "a shell"\.$/],
])("%s into a terminal: %s", async (action, isTerminal, note) => {
  const desktop = new FakeDesktop();
  desktop.focused = { identity: "0x1 XTerm", title: "a shell", isTerminal };
  const inspection = await inspect(desktop, action, { text: "é" });
  expect(inspection.preview).toMatchObject({ note: expect.stringMatching(note) });
});

describe("the pointer", () => {
  test.each([...BOUND, ...SHOWN])(
    "%s %j is shown with its targets marked",
    async (action, parameters) => {
      const desktop = new FakeDesktop();
      const { picture, preview } = await inspect(desktop, action, parameters);
      expect(preview).toBeUndefined();
      expect(picture?.targets).toEqual(parameters.path ?? [AT]);
      const shown = await decodePng(picture?.png ?? new Uint8Array(), { maxPixels: 1e6 });
      expect([shown.width, shown.height]).toEqual([200, 100]);
      expect(Buffer.from(shown.rgb).equals(Buffer.from(desktop.screen.rgb))).toBe(false);
      expect(desktop.calls).toEqual([]);
    },
  );

  test("plans made at once share one look at the screen, later ones take another", async () => {
    const desktop = new FakeDesktop();
    const actions = new DesktopActions(desktop);
    const look = () => actions.inspect("mouse.click", { coordinates: AT }, SETTLED);
    await Promise.all([look(), look(), look()]);
    expect(desktop.captures).toBe(1);
    await look();
    expect(desktop.captures).toBe(2);
  });

  test("a plan that is given up takes no other's look away", async () => {
    const desktop = new FakeDesktop();
    const actions = new DesktopActions(desktop);
    const given = new AbortController();
    const look = (signal: AbortSignal) =>
      actions.inspect("mouse.click", { coordinates: AT }, { ...SETTLED, signal });
    const [first, second] = [look(given.signal), look(SETTLED.signal)];
    given.abort();
    await expect(first).rejects.toBeDefined();
    expect((await second).picture?.targets).toEqual([AT]);
  });

  test.each(BOUND)("%s %j binds what is around its first point", async (action, parameters) => {
    const { bound } = await inspect(new FakeDesktop(), action, parameters);
    expect(Object.keys(bound)).toEqual(["screen:100,50"]);
    expect(bound["screen:100,50"]).toMatch(/^20:[\w-]+$/);
  });

  test.each(SHOWN)("%s %j binds nothing", async (action, parameters) => {
    expect((await inspect(new FakeDesktop(), action, parameters)).bound).toEqual({});
  });

  test("nothing is bound where policy has it off, and it is shown still", async () => {
    const { bound, picture } = await inspect(
      new FakeDesktop(),
      "mouse.click",
      { coordinates: AT },
      OFF,
    );
    expect(bound).toEqual({});
    expect(picture).toBeDefined();
  });

  test.each(["mouse.click", "mouse.scroll"])(
    "%s without coordinates shows where the pointer is",
    async (action) => {
      const desktop = new FakeDesktop();
      const { bound, picture, preview } = await inspect(desktop, action, { direction: "up" });
      expect(bound).toEqual({});
      expect(picture?.targets).toEqual([desktop.pointer]);
      expect(preview).toMatchObject({ text: expect.stringContaining("where the pointer is") });
    },
  );

  test.each(BOUND)(
    "%s %j after steps that change the screen is not shown",
    async (action, parameters) => {
      const inspection = await inspect(new FakeDesktop(), action, parameters, UNSETTLED);
      expect(inspection).toEqual({
        bound: {},
        riskFactors: [],
        preview: { kind: "text", text: expect.stringContaining("Earlier steps change the screen") },
      });
    },
  );

  test.each(BOUND)(
    "%s %j whose target has changed is not performed",
    async (action, parameters) => {
      const desktop = new FakeDesktop();
      const { bound } = await inspect(desktop, action, parameters);
      desktop.paint(AT, 10, 200);
      await expect(run(desktop, action, parameters, bound)).rejects.toMatchObject(
        failure("state_changed", /around 100, 50/),
      );
      expect(desktop.calls).toEqual([["release"]]);
    },
  );

  test.each([
    ["further away", (desktop: FakeDesktop) => desktop.paint({ x: 160, y: 50 }, 20, 200), CHECK],
    ["less than is tolerated", (desktop: FakeDesktop) => desktop.paint(AT, 1, 200), CHECK],
    ["by less than rendering differs", (desktop: FakeDesktop) => desktop.paint(AT, 20, 95), CHECK],
    [
      "while policy has it off",
      (desktop: FakeDesktop) => desktop.paint(AT, 20, 200),
      OFF.targetCheck,
    ],
  ] as const)("a change %s does not matter", async (_what, change, targetCheck) => {
    const desktop = new FakeDesktop();
    const { bound } = await inspect(desktop, "mouse.click", { coordinates: AT });
    change(desktop);
    await run(desktop, "mouse.click", { coordinates: AT }, bound, { targetCheck });
    expect(desktop.calls).toHaveLength(1);
  });
});

describe("typing", () => {
  test.each(TYPED)(
    "%s %j shows and binds the window it goes to",
    async (action, parameters, text) => {
      const desktop = new FakeDesktop();
      desktop.focused = { identity: "0x2 x", title: "a\u202e\nb" };
      expect(await inspect(desktop, action, parameters)).toEqual({
        riskFactors: [],
        bound: { focus: "0x2 x" },
        preview: { kind: "text", text, note: 'Into the window "a⟦U+202E⟧⟦U+000A⟧b".' },
      });
    },
  );

  test.each(TYPED)("%s %j is not done in another window", async (action, parameters) => {
    const desktop = new FakeDesktop();
    const { bound } = await inspect(desktop, action, parameters);
    desktop.focused = { identity: "0x3 xterm", title: "a shell" };
    await expect(run(desktop, action, parameters, bound)).rejects.toMatchObject(
      failure("state_changed", /another window/),
    );
    desktop.focused = undefined;
    await expect(run(desktop, action, parameters, bound)).rejects.toMatchObject(
      failure("state_changed"),
    );
    expect(desktop.calls).toEqual([["release"], ["release"]]);
    desktop.focused = { identity: "0x1 xterm", title: "another title" };
    await run(desktop, action, parameters, bound);
    expect(desktop.calls).toHaveLength(3);
  });

  test("that no window has the focus is bound as well", async () => {
    const desktop = new FakeDesktop();
    desktop.focused = undefined;
    const { bound, preview } = await inspect(desktop, "keyboard.type", { text: "a" });
    expect(bound).toEqual({ focus: "none" });
    expect(preview).toMatchObject({ note: "No window has the focus." });
    await run(desktop, "keyboard.type", { text: "a" }, bound);
  });

  test("nothing is said where the window will be another, or cannot be told", async () => {
    const nothing = { bound: {}, riskFactors: [] };
    const type = ["keyboard.type", { text: "a" }] as const;
    expect(await inspect(new FakeDesktop(), ...type, UNSETTLED)).toEqual(nothing);
    const blind = Object.assign(new FakeDesktop(), { focus: undefined });
    expect(await inspect(blind as unknown as FakeDesktop, ...type)).toEqual(nothing);
  });
});

async function inspect(
  desktop: FakeDesktop,
  action: string,
  parameters: Parameters,
  look: InspectContext = SETTLED,
): Promise<Inspection> {
  return await new DesktopActions(desktop).inspect(action, parameters, look);
}

async function run(
  desktop: FakeDesktop,
  action: string,
  parameters: Parameters,
  bound: Readonly<Record<string, string>>,
  io: Partial<StepIo> = {},
): Promise<unknown> {
  const step = { action, parameters, risk: "medium", bound } as const;
  return await new DesktopActions(desktop).perform(step, {
    ...ioOf(),
    targetCheck: CHECK,
    ...io,
  });
}
