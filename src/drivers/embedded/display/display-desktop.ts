import { setTimeout as pause } from "node:timers/promises";
import { GatewayError } from "../../../contract/errors.ts";
import type { Picture } from "../../../lib/picture.ts";
import { encodePng } from "../../../lib/png.ts";
import type {
  Desktop,
  FocusedWindow,
  Point,
  Press,
  Screenshot,
  ShownWindow,
} from "../../desktop/desktop.ts";
import { SerialQueue } from "../../step/serial-queue.ts";
import type { Offer } from "./clipboard.ts";
import type { Display, LiveDisplay } from "./display.ts";
import { findFocusedWindow } from "./focused-window.ts";
import { takePicture } from "./screen-picture.ts";
import { findShownWindows } from "./shown-windows.ts";
import { XLostError } from "./x-connection.ts";

/** How long a paste waits for a program to fetch the text; not every window takes one. Milliseconds. */
const PASTE_TIMEOUT = 500;

/** How long a pasted text stays for a program that has not fetched it; ms. */
const SLOW_PROGRAM = 10_000;
/** And after a program has: some fetch it in several steps; ms. */
const AFTER_FETCH = 1000;

/** What a display gives of a desktop; programs come from elsewhere. */
type ScreenAndInput = Omit<Desktop, "openApplication" | "openUrl">;

/** Drives the display of the embedded desktop, one action at a time. */
export class DisplayDesktop implements ScreenAndInput {
  readonly #display: Display;
  readonly #queue = new SerialQueue();

  constructor(display: Display) {
    this.#display = display;
  }

  /** What the screen shows, not encoded. */
  async picture(signal: AbortSignal): Promise<Picture> {
    return await this.#act(signal, ({ connection }) => takePicture(connection));
  }

  async capture(signal: AbortSignal): Promise<Screenshot> {
    const picture = await this.picture(signal);
    return { png: await encodePng(picture), width: picture.width, height: picture.height };
  }

  async cursor(signal: AbortSignal): Promise<Point> {
    return await this.#act(signal, ({ inputDevice }) => inputDevice.cursor());
  }

  async move(to: Point, signal: AbortSignal): Promise<void> {
    await this.#act(signal, ({ inputDevice }) => inputDevice.move(to));
  }

  async click(
    { button, count, at, holdKeys }: Parameters<Desktop["click"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#act(signal, ({ inputDevice }) =>
      inputDevice.holding(holdKeys, () => inputDevice.click(button, count, at)),
    );
  }

  async pressButton(
    { button, press, at }: Parameters<Desktop["pressButton"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#act(signal, ({ inputDevice }) => inputDevice.pressButton(button, press, at));
  }

  async drag(
    { button, path, holdKeys }: Parameters<Desktop["drag"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#act(signal, ({ inputDevice }) =>
      inputDevice.holding(holdKeys, () => inputDevice.drag(button, path, signal)),
    );
  }

  async trace(
    { path, holdKeys }: Parameters<Desktop["trace"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#act(signal, ({ inputDevice }) =>
      inputDevice.holding(holdKeys, () => inputDevice.trace(path, signal)),
    );
  }

  async scroll(
    { direction, count, at, holdKeys }: Parameters<Desktop["scroll"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#act(signal, ({ inputDevice }) =>
      inputDevice.holding(holdKeys, () => inputDevice.scroll(direction, count, at, signal)),
    );
  }

  async type(text: string, signal: AbortSignal): Promise<void> {
    await this.#act(signal, ({ inputDevice }) => inputDevice.type(text, signal));
  }

  /** Puts the text on the display's clipboard for a moment, and presses Control+V. */
  async paste(text: string, signal: AbortSignal): Promise<void> {
    await this.#act(signal, async ({ inputDevice, clipboard, connection }) => {
      const offer = await clipboard.offer(text);
      const { fetched } = offer;
      withdrawSoon(offer);
      await inputDevice.chord(["Control_L", "v"]);
      const timer = new AbortController();
      const over = AbortSignal.any([timer.signal, signal]);
      const tooLong = pause(PASTE_TIMEOUT, undefined, { signal: over }).catch(() => {});
      await Promise.race([fetched, tooLong, connection.ended]);
      timer.abort();
      await connection.sync();
    });
  }

  async chord(keys: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#act(signal, ({ inputDevice }) => inputDevice.chord(keys));
  }

  async pressKeys(keys: readonly string[], press: Press, signal: AbortSignal): Promise<void> {
    await this.#act(signal, ({ inputDevice }) => inputDevice.pressKeys(keys, press));
  }

  async focus(signal: AbortSignal): Promise<FocusedWindow | undefined> {
    return await this.#act(signal, ({ connection }) => findFocusedWindow(connection));
  }

  async windows(signal: AbortSignal): Promise<readonly ShownWindow[]> {
    return await this.#act(signal, ({ connection }) => findShownWindows(connection));
  }

  /** Does something on the running display between two actions, such as starting a program. */
  async exclusively<Result>(
    signal: AbortSignal,
    work: (display: LiveDisplay) => Promise<Result>,
  ): Promise<Result> {
    return await this.#queue.run(signal, async () => await work(await this.#display.use(signal)));
  }

  async release(): Promise<void> {
    const never = new AbortController().signal;
    // A display that is gone holds nothing, and to start one for this would be odd.
    const letGo = async (): Promise<void> => (await this.#display.running())?.inputDevice.release();
    await this.#queue.run(never, letGo).catch(() => {});
  }

  async #act<Result>(
    signal: AbortSignal,
    work: (display: LiveDisplay) => Promise<Result>,
  ): Promise<Result> {
    return await this.exclusively(signal, async (display) => {
      const before = display.connection.inputs;
      try {
        return await work(display);
      } catch (error) {
        throw toGatewayError(error, display.connection.inputs > before);
      }
    });
  }
}

/** What was pasted may be a secret: no program that comes later finds it. */
function withdrawSoon({ fetched, withdraw }: Offer): void {
  const timer = setTimeout(withdraw, SLOW_PROGRAM).unref();
  void fetched.then(() => {
    clearTimeout(timer);
    setTimeout(withdraw, AFTER_FETCH).unref();
  });
}

function toGatewayError(error: unknown, wasSent: boolean): GatewayError {
  if (error instanceof GatewayError) return error;
  const isLost = error instanceof XLostError;
  if (wasSent) {
    return new GatewayError(
      "outcome_unknown",
      isLost
        ? "the embedded desktop ended in the middle of the action"
        : "the embedded desktop failed in the middle of the action",
      { hint: "Look at the screen before trying again." },
      error,
    );
  }
  return new GatewayError(
    "desktop_unavailable",
    isLost
      ? "the embedded desktop ended before the action began"
      : "the embedded desktop could not do it",
    { hint: "Try again: the next action starts a new desktop where the old one is gone." },
    error,
  );
}
