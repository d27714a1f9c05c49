import type {
  Desktop,
  FocusedWindow,
  Point,
  Screenshot,
  ShownWindow,
} from "../../../../src/drivers/desktop/desktop.ts";
import type { Picture } from "../../../../src/lib/picture.ts";
import { encodePng } from "../../../../src/lib/png.ts";

// What the tests of this folder share; nothing else imports it.

/** A desktop that writes down what it is asked for. */
export class FakeDesktop implements Desktop {
  /** Calls but for looks, each with its arguments without the signal. */
  readonly calls: unknown[][] = [];
  captures = 0;
  pointer: Point = { x: 7, y: 8 };
  focused: FocusedWindow | undefined = { identity: "0x1 xterm", title: "a shell" };
  /** Whether what is opened changes the screen. */
  opens = true;
  /** What the next calls reject with. */
  failure: Error | undefined;
  readonly screen: Picture;

  constructor(width = 200, height = 100) {
    this.screen = { width, height, rgb: new Uint8Array(width * height * 3).fill(90) };
  }

  /** Paints a square around a point. */
  paint({ x, y }: Point, radius: number, shade: number): void {
    const { width, rgb } = this.screen;
    for (let row = y - radius; row <= y + radius; row += 1) {
      rgb.fill(shade, (row * width + x - radius) * 3, (row * width + x + radius + 1) * 3);
    }
  }

  async capture(): Promise<Screenshot> {
    this.captures += 1;
    const { width, height } = this.screen;
    return { png: await encodePng(this.screen), width, height };
  }

  cursor = async (): Promise<Point> => this.pointer;
  shown: readonly ShownWindow[] = [];
  windows = async (): Promise<readonly ShownWindow[]> => this.shown;
  focus = async (): Promise<FocusedWindow | undefined> => this.focused;

  move: Desktop["move"] = (to) => this.#note("move", to);
  click: Desktop["click"] = (click) => this.#note("click", click);
  pressButton: Desktop["pressButton"] = (press) => this.#note("pressButton", press);
  drag: Desktop["drag"] = (drag) => this.#note("drag", drag);
  trace: Desktop["trace"] = (trace) => this.#note("trace", trace);
  scroll: Desktop["scroll"] = (scroll) => this.#note("scroll", scroll);
  type: Desktop["type"] = (text) => this.#note("type", text);
  paste: Desktop["paste"] = (text) => this.#note("paste", text);
  chord: Desktop["chord"] = (keys) => this.#note("chord", keys);
  pressKeys: Desktop["pressKeys"] = (keys, press) => this.#note("pressKeys", keys, press);
  openApplication: Desktop["openApplication"] = async (name) => {
    await this.#note("openApplication", name);
    return this.opens;
  };
  openUrl: Desktop["openUrl"] = async (url) => {
    await this.#note("openUrl", url);
    return this.opens;
  };
  release = async (): Promise<void> => {
    this.calls.push(["release"]);
  };

  async #note(...call: unknown[]): Promise<void> {
    this.calls.push(call);
    if (this.failure !== undefined) throw this.failure;
  }
}
