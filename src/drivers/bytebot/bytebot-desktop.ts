import { GatewayError } from "../../contract/errors.ts";
import { isTypeable } from "../../lib/daemon-input.ts";
import type { Picture } from "../../lib/picture.ts";
import { readPngSize } from "../../lib/png.ts";
import type { DaemonRequest } from "../../tasks/agent-guard.ts";
import { awaitSettled, glanceAt, type SettlingTimes } from "../desktop/await-settled.ts";
import type { Desktop, Point, Press, Screenshot } from "../desktop/desktop.ts";
import { isPixel } from "../desktop/pointer-parameters.ts";
import { pixelsOf } from "../desktop/target-binding.ts";
import { fieldsOf } from "./answer-fields.ts";
import { malformedAnswer } from "./daemon-error.ts";
import type { DaemonQueue } from "./daemon-queue.ts";
import { toByteBotKeys } from "./key-names.ts";

export interface DesktopTimes {
  /** After an application was asked for: ByteBot answers before its window shows. */
  readonly window: SettlingTimes;
  /** After a page was asked for. */
  readonly page: SettlingTimes;
}

const TIMES: DesktopTimes = {
  // A browser takes seconds to start; one that is in front already changes nothing.
  window: { pause: 400, unchanged: 8000, limit: 20_000 },
  page: { pause: 400, unchanged: 3000, limit: 10_000 },
};

const APPLICATIONS = [
  "firefox",
  "1password",
  "thunderbird",
  "vscode",
  "terminal",
  "desktop",
  "directory",
];
const BROWSER = "firefox";

/** ByteBot's desktop through its daemon; each call is one request, `openUrl` several. */
export class ByteBotDesktop implements Desktop {
  readonly #queue: DaemonQueue;
  readonly #times: DesktopTimes;

  constructor(queue: DaemonQueue, times: DesktopTimes = TIMES) {
    this.#queue = queue;
    this.#times = times;
  }

  async capture(signal: AbortSignal): Promise<Screenshot> {
    const answer = await this.#queue.call({ action: "screenshot" }, signal);
    try {
      const png = Buffer.from(textOf(answer, "image"), "base64");
      return { png, ...readPngSize(png) };
    } catch (error) {
      throw malformedAnswer("screenshot", error);
    }
  }

  async cursor(signal: AbortSignal): Promise<Point> {
    const answer = await this.#queue.call({ action: "cursor_position" }, signal);
    const { x, y } = fieldsOf(answer);
    if (isPixel(x) && isPixel(y)) return { x, y };
    throw malformedAnswer("cursor_position");
  }

  async move(to: Point, signal: AbortSignal): Promise<void> {
    await this.#do({ action: "move_mouse", coordinates: to }, signal);
  }

  async click(
    { button, count, at, holdKeys }: Parameters<Desktop["click"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    const click = { action: "click_mouse", button, clickCount: count };
    await this.#do({ ...click, ...where(at), ...holding(holdKeys) }, signal);
  }

  async pressButton(
    { button, press, at }: Parameters<Desktop["pressButton"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#do({ action: "press_mouse", button, press, ...where(at) }, signal);
  }

  async drag(
    { button, path, holdKeys }: Parameters<Desktop["drag"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#do({ action: "drag_mouse", button, path, ...holding(holdKeys) }, signal);
  }

  async trace(
    { path, holdKeys }: Parameters<Desktop["trace"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#do({ action: "trace_mouse", path, ...holding(holdKeys) }, signal);
  }

  async scroll(
    { direction, count, at, holdKeys }: Parameters<Desktop["scroll"]>[0],
    signal: AbortSignal,
  ): Promise<void> {
    const scroll = { action: "scroll", direction, scrollCount: count };
    await this.#do({ ...scroll, ...where(at), ...holding(holdKeys) }, signal);
  }

  async type(text: string, signal: AbortSignal): Promise<void> {
    if (isTypeable(text)) await this.#do({ action: "type_text", text }, signal);
    else await this.paste(text, signal);
  }

  async paste(text: string, signal: AbortSignal): Promise<void> {
    await this.#do({ action: "paste_text", text }, signal);
  }

  async chord(keys: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#do({ action: "type_keys", keys: toByteBotKeys(keys) }, signal);
  }

  async pressKeys(keys: readonly string[], press: Press, signal: AbortSignal): Promise<void> {
    await this.#do({ action: "press_keys", keys: toByteBotKeys(keys), press }, signal);
  }

  async openApplication(application: string, signal: AbortSignal): Promise<boolean> {
    requireApplication(application);
    const before = glanceAt(await this.#look(signal));
    await this.#do({ action: "application", application }, signal);
    return await awaitSettled(() => this.#look(signal), before, this.#times.window, signal);
  }

  async openUrl(url: string, signal: AbortSignal): Promise<boolean> {
    await this.openApplication(BROWSER, signal);
    await this.chord(["Control_L", "l"], signal);
    await this.paste(url, signal);
    const before = glanceAt(await this.#look(signal));
    await this.chord(["Return"], signal);
    return await awaitSettled(() => this.#look(signal), before, this.#times.page, signal);
  }

  async #look(signal: AbortSignal): Promise<Picture> {
    return pixelsOf(await this.capture(signal));
  }

  async release(): Promise<void> {
    await this.#queue.release();
  }

  async #do(request: DaemonRequest, signal: AbortSignal): Promise<void> {
    await this.#queue.call(request, signal);
  }
}

/** Throws `invalid_request` for what ByteBot cannot open. */
export function requireApplication(application: string): void {
  if (APPLICATIONS.includes(application)) return;
  throw new GatewayError("invalid_request", "ByteBot's desktop cannot open this application", {
    hint: `It opens ${APPLICATIONS.join(", ")}.`,
  });
}

function where(at: Point | undefined): { coordinates?: Point } {
  return at === undefined ? {} : { coordinates: { x: at.x, y: at.y } };
}

function holding(keys: readonly string[]): { holdKeys?: string[] } {
  return keys.length === 0 ? {} : { holdKeys: toByteBotKeys(keys) };
}

function textOf(answer: unknown, name: string): string {
  const value = fieldsOf(answer)[name];
  if (typeof value === "string") return value;
  throw new Error(`no ${name}`);
}
