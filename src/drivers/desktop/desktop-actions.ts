import type { Parameters } from "../../contract/task.ts";
import { oneLine } from "../../lib/inert.ts";
import type { InspectContext, Inspection, StepIo } from "../../tasks/driver.ts";
import type { PlannedStep } from "../../tasks/task.ts";
import { throwIfAborted } from "../step/aborted.ts";
import { integer, oneOf, text, textList } from "../step/parameter.ts";
import type { Desktop } from "./desktop.ts";
import { inspectDesktop, pointsOf } from "./inspect-desktop.ts";
import { buttonOf, coordinatesOf, holdKeysOf, pathOf } from "./pointer-parameters.ts";
import { Screen } from "./screen.ts";
import { bindsFocus, bindsScreen, holdToFocus, holdToScreen, pixelsOf } from "./target-binding.ts";

interface Tools {
  readonly desktop: Desktop;
  readonly screen: Screen;
  readonly io: StepIo;
}
type Result = Record<string, unknown>;

const PRESSES = ["down", "up"] as const;
const DIRECTIONS = ["up", "down", "left", "right"] as const;

/** Characters of a window's title. */
const MAX_TITLE = 100;

/** What has a result. */
const ANSWERS: Readonly<Record<string, (tools: Tools, parameters: Parameters) => Promise<Result>>> =
  {
    async "browser.open"(tools, parameters) {
      const url = text(parameters, "url");
      const isChanged = await tools.desktop.openUrl(url, tools.io.signal);
      await keepScreenshot(tools);
      return {
        url,
        ...seen(isChanged, "the browser may not have opened it, or showed it already"),
      };
    },
    async "app.open"(tools, parameters) {
      const application = text(parameters, "application");
      const isChanged = await tools.desktop.openApplication(application, tools.io.signal);
      await keepScreenshot(tools);
      return seen(isChanged, `${application} may not be installed there, or was in front already`);
    },
    async "screen.capture"(tools) {
      return { ...(await keepScreenshot(tools)), ...(await describeScreen(tools)) };
    },
    async "screen.cursor"({ desktop, io }) {
      const { x, y } = await desktop.cursor(io.signal);
      return { x, y };
    },
  };

/** What only does something. */
const EFFECTS: Readonly<Record<string, (tools: Tools, parameters: Parameters) => Promise<void>>> = {
  async "mouse.move"({ desktop, io }, parameters) {
    const to = coordinatesOf(parameters);
    if (to !== undefined) await desktop.move(to, io.signal);
  },
  async "mouse.click"({ desktop, io }, parameters) {
    const count = integer(parameters, "click_count") ?? 1;
    const click = { button: buttonOf(parameters), count, holdKeys: holdKeysOf(parameters) };
    await desktop.click({ ...click, ...atOf(parameters) }, io.signal);
  },
  async "mouse.press"({ desktop, io }, parameters) {
    const press = oneOf(parameters, "press", PRESSES);
    const button = buttonOf(parameters);
    await desktop.pressButton({ button, press, ...atOf(parameters) }, io.signal);
  },
  async "mouse.drag"({ desktop, io }, parameters) {
    const drag = { button: buttonOf(parameters), path: pathOf(parameters) };
    await desktop.drag({ ...drag, holdKeys: holdKeysOf(parameters) }, io.signal);
  },
  async "mouse.trace"({ desktop, io }, parameters) {
    const trace = { path: pathOf(parameters), holdKeys: holdKeysOf(parameters) };
    await desktop.trace(trace, io.signal);
  },
  async "mouse.scroll"({ desktop, io }, parameters) {
    const direction = oneOf(parameters, "direction", DIRECTIONS);
    const count = integer(parameters, "scroll_count") ?? 1;
    const scroll = { direction, count, holdKeys: holdKeysOf(parameters) };
    await desktop.scroll({ ...scroll, ...atOf(parameters) }, io.signal);
  },
  "keyboard.type": ({ desktop, io }, parameters) =>
    desktop.type(text(parameters, "text"), io.signal),
  "keyboard.paste": ({ desktop, io }, parameters) =>
    desktop.paste(text(parameters, "text"), io.signal),
  "keyboard.chord": ({ desktop, io }, parameters) =>
    desktop.chord(textList(parameters, "keys"), io.signal),
  async "keyboard.press"({ desktop, io }, parameters) {
    const press = oneOf(parameters, "press", PRESSES);
    await desktop.pressKeys(textList(parameters, "keys"), press, io.signal);
  },
};

/** Actions after which something stays held on purpose. */
const HOLDING = new Set(["mouse.press", "keyboard.press"]);

/** The actions that take a screen, over whatever desktop: what each driver of one performs alike. */
export class DesktopActions {
  readonly #desktop: Desktop;
  readonly #screen: Screen;

  constructor(desktop: Desktop) {
    this.#desktop = desktop;
    this.#screen = new Screen(desktop);
  }

  handles(action: string): boolean {
    return Object.hasOwn(ANSWERS, action) || Object.hasOwn(EFFECTS, action);
  }

  /** See `inspectDesktop`. */
  async inspect(
    action: string,
    parameters: Parameters,
    context: InspectContext,
  ): Promise<Inspection> {
    return await inspectDesktop(this.#desktop, this.#screen, action, parameters, context);
  }

  /**
   * Performs one step, once. What an earlier step of the task holds is released when this one fails
   * or when the task is aborted, also between steps.
   */
  async perform(step: PlannedStep, io: StepIo): Promise<Result> {
    const { action, parameters } = step;
    if (!this.handles(action)) throw new Error(`${action} takes no desktop`);
    throwIfAborted(io.signal);
    const release = () => this.#desktop.release();
    if (HOLDING.has(action)) {
      io.signal.addEventListener("abort", () => void release(), { once: true });
    }
    try {
      await this.#screen.requireInside(pointsOf(action, parameters), io.signal);
      await this.#requireUnchanged(step, io);
      const tools = { desktop: this.#desktop, screen: this.#screen, io };
      await EFFECTS[action]?.(tools, parameters);
      return (await ANSWERS[action]?.(tools, parameters)) ?? {};
    } catch (error) {
      // Nobody waits for it: what comes next is behind it.
      void release();
      throw error;
    }
  }

  async #requireUnchanged({ bound }: PlannedStep, io: StepIo): Promise<void> {
    if (!io.targetCheck.enabled) return;
    if (bindsScreen(bound)) {
      const picture = await pixelsOf(await this.#screen.capture(io.signal));
      holdToScreen(bound, picture, io.targetCheck);
    }
    if (bindsFocus(bound)) holdToFocus(bound, await this.#desktop.focus?.(io.signal));
  }
}

/** A desktop may answer as if it had opened what is not there. */
function seen(isChanged: boolean, otherwise: string): Result {
  const note = `The screen has not changed: ${otherwise}. Look at the screenshot.`;
  return { screen_changed: isChanged, ...(!isChanged && { note }) };
}

async function keepScreenshot({ screen, io }: Tools): Promise<Result> {
  const { png, width, height } = await screen.capture(io.signal);
  await io.keepArtifact({ name: "screen.png", mediaType: "image/png", content: png });
  return { width, height };
}

/** What text can say of a screen, for models that do not see it. A picture without it is still one. */
async function describeScreen({ desktop, io }: Tools): Promise<Result> {
  const focus = await desktop.focus?.(io.signal).catch(() => undefined);
  const windows = await desktop.windows?.(io.signal).catch(() => undefined);
  const shown = windows?.map((window) => ({ ...window, title: oneLine(window.title, MAX_TITLE) }));
  return {
    ...(focus && { focused_window: oneLine(focus.title, MAX_TITLE) }),
    ...(shown && shown.length > 0 && { windows: shown }),
  };
}

function atOf(parameters: Parameters): { at?: { x: number; y: number } } {
  const at = coordinatesOf(parameters);
  return at === undefined ? {} : { at };
}
