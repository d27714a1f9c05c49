import { setTimeout as pause } from "node:timers/promises";
import type { Button, Point, Press } from "../../desktop/desktop.ts";
import type { Keyboard } from "./keyboard.ts";
import type { XConnection } from "./x-connection.ts";

/** Numbers X gives the buttons of a mouse; its wheel is buttons too. */
const BUTTONS: Readonly<Record<Button, number>> = { left: 1, middle: 2, right: 3 };
const WHEEL: Readonly<Record<Direction, number>> = { up: 4, down: 5, left: 6, right: 7 };

/** How many moves or notches go out before the server is waited for and an abort is looked for. */
const BATCH = 16;

/** Pauses of a drag, in which programs see that it is one; milliseconds. */
const DRAG_PAUSE = 20;

/** Buttons a pointer's state knows, from bit 8 on. */
const STATE_BUTTONS = [1, 2, 3, 4, 5];

type Direction = "up" | "down" | "left" | "right";

/**
 * Pointer and keys of one connection. Only `pressKeys` and `pressButton` leave something held; all
 * else lets go of what it pressed, whatever happens in between.
 */
export class InputDevice {
  readonly #connection: XConnection;
  readonly #keyboard: Keyboard;
  /** Keys that `pressKeys` holds. */
  readonly #held = new Set<number>();

  constructor(connection: XConnection, keyboard: Keyboard) {
    this.#connection = connection;
    this.#keyboard = keyboard;
  }

  async cursor(): Promise<Point> {
    const { rootX, rootY } = await this.#pointer();
    return { x: rootX, y: rootY };
  }

  async move(to: Point): Promise<void> {
    this.#connection.motion(to.x, to.y);
    await this.#connection.sync();
  }

  async click(button: Button, count: number, at: Point | undefined): Promise<void> {
    await this.#tap(BUTTONS[button], count, at);
  }

  async scroll(
    direction: Direction,
    count: number,
    at: Point | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (let left = count; left > 0 && !signal.aborted; left -= BATCH) {
      await this.#tap(WHEEL[direction], Math.min(left, BATCH), at);
    }
  }

  async pressButton(button: Button, press: Press, at: Point | undefined): Promise<void> {
    if (at !== undefined) this.#connection.motion(at.x, at.y);
    this.#connection.button(BUTTONS[button], press === "down");
    await this.#connection.sync();
  }

  async trace(path: readonly Point[], signal: AbortSignal): Promise<void> {
    for (const [index, { x, y }] of path.entries()) {
      if (signal.aborted) return;
      this.#connection.motion(x, y);
      if (index % BATCH === 0) await this.#connection.sync();
    }
    await this.#connection.sync();
  }

  async drag(button: Button, path: readonly Point[], signal: AbortSignal): Promise<void> {
    const [start, ...way] = path;
    if (start === undefined) return;
    await this.move(start);
    this.#connection.button(BUTTONS[button], true);
    try {
      await this.#connection.sync();
      await pause(DRAG_PAUSE);
      let from = start;
      for (const to of way) {
        if (signal.aborted) return;
        // Programs tell a drag from a jump by a move in between.
        this.#connection.motion(Math.round((from.x + to.x) / 2), Math.round((from.y + to.y) / 2));
        await this.move(to);
        from = to;
      }
      await pause(DRAG_PAUSE);
    } finally {
      await this.#letGo(() => this.#connection.button(BUTTONS[button], false));
    }
  }

  async type(text: string, signal: AbortSignal): Promise<void> {
    await this.#keyboard.type(text, signal);
  }

  async chord(keys: readonly string[]): Promise<void> {
    await this.holding(keys, async () => {});
  }

  async pressKeys(keys: readonly string[], press: Press): Promise<void> {
    for (const keycode of await this.#keyboard.keycodes(keys)) {
      this.#connection.key(keycode, press === "down");
      if (press === "down") this.#held.add(keycode);
      else this.#held.delete(keycode);
    }
    await this.#connection.sync();
  }

  /** Does something with these keys held, in order, but those that are held already. */
  async holding<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    if (keys.length === 0) return await work();
    const keycodes = (await this.#keyboard.keycodes(keys)).filter((key) => !this.#held.has(key));
    try {
      for (const keycode of keycodes) this.#connection.key(keycode, true);
      return await work();
    } finally {
      await this.#letGo(() => {
        for (const keycode of keycodes.toReversed()) this.#connection.key(keycode, false);
      });
    }
  }

  /** Lets go of every key and button that the server says is down. */
  async release(): Promise<void> {
    const [keys, { keyMask }] = await Promise.all([
      this.#connection.ask<Buffer>((client, answer) => client.QueryKeymap(answer)),
      this.#pointer(),
    ]);
    for (const [index, bits] of keys.entries()) {
      for (let bit = 0; bit < 8; bit += 1) {
        if ((bits >> bit) & 1) this.#connection.key(index * 8 + bit, false);
      }
    }
    for (const button of STATE_BUTTONS) {
      if ((keyMask >> (7 + button)) & 1) this.#connection.button(button, false);
    }
    this.#held.clear();
    await this.#connection.sync();
  }

  async #tap(button: number, count: number, at: Point | undefined): Promise<void> {
    if (at !== undefined) this.#connection.motion(at.x, at.y);
    for (let time = 0; time < count; time += 1) {
      this.#connection.button(button, true);
      this.#connection.button(button, false);
    }
    await this.#connection.sync();
  }

  /** With a lost connection everything is let go of, and what went wrong says so. */
  async #letGo(release: () => void): Promise<void> {
    if (this.#connection.isLost) return;
    release();
    await this.#connection.sync();
  }

  async #pointer(): Promise<{ rootX: number; rootY: number; keyMask: number }> {
    const { root } = this.#connection;
    return await this.#connection.ask<{ rootX: number; rootY: number; keyMask: number }>(
      (client, answer) => client.QueryPointer(root, answer),
    );
  }
}
