import { type DaemonKey, findKey, isModifier } from "./daemon-keys.ts";
import { type Button, type Desk, keysForCharacter, type Press } from "./desk.ts";
import type { Pause } from "./pause.ts";

/** A key that ends the process was pressed. */
export class Crash extends Error {
  override name = "Crash";
}

/** The process this work ran in is gone. */
class Lost extends Error {
  override name = "Lost";
}

const AFTER_KEY_MS = 100;
const AFTER_BUTTON_MS = 100;

/** What one request does to the desk, at ByteBot's pace and in ByteBot's order. */
export class Hands {
  readonly #desk: Desk;
  readonly #pause: Pause;
  readonly #process: AbortSignal;
  readonly #acted: () => void;

  /** `acted` is called after each effect; nothing more happens once `process` is aborted. */
  constructor(desk: Desk, pause: Pause, process: AbortSignal, acted: () => void) {
    this.#desk = desk;
    this.#pause = pause;
    this.#process = process;
    this.#acted = acted;
  }

  async pause(milliseconds: number): Promise<void> {
    await this.#pause(milliseconds);
    if (this.#process.aborted) throw new Lost();
  }

  /** Presses or releases the last key, with those before it as its modifiers; other keys are ignored. */
  async chord(names: readonly string[], press: Press): Promise<void> {
    await this.toggle(names.map(findKey), press);
  }

  /** Each key for itself: those before a bad one stay as they are. */
  async hold(names: readonly string[], press: Press): Promise<void> {
    for (const name of names) await this.toggle([findKey(name)], press);
  }

  async typeCharacter(character: string): Promise<void> {
    const keys = keysForCharacter(character).map((press): DaemonKey => ({ press }));
    await this.toggle(keys, "down");
    await this.toggle(keys, "up");
  }

  async toggle(found: readonly DaemonKey[], press: Press): Promise<void> {
    await this.pause(AFTER_KEY_MS);
    if (found.includes("crash")) throw new Crash("segmentation fault");
    const keys = found.flatMap((key) => (typeof key === "object" ? [key.press] : []));
    const pressed = keys.filter((key, index) => index === keys.length - 1 || isModifier(key));
    if (press === "up") pressed.reverse();
    if (pressed.length === 0) return;
    await this.#act(this.#desk.keys(pressed.map((key) => [key, press] as const)));
  }

  async button(button: Button, press: Press): Promise<void> {
    await this.pause(AFTER_BUTTON_MS);
    await this.#act(this.#desk.button(button, press));
  }

  async click(button: Button): Promise<void> {
    await this.button(button, "down");
    await this.#act(this.#desk.button(button, "up"));
  }

  async move({ x, y }: { x: number; y: number }): Promise<void> {
    await this.#act(this.#desk.move(x, y));
  }

  async scroll(direction: string): Promise<void> {
    await this.pause(AFTER_BUTTON_MS);
    await this.#act(this.#desk.scroll(direction));
  }

  async setClipboard(text: string): Promise<void> {
    await this.#desk.setClipboard(text);
  }

  async launch(application: string): Promise<void> {
    await this.#act(this.#desk.launch(application));
  }

  async #act(effect: Promise<void>): Promise<void> {
    await effect;
    this.#acted();
    if (this.#process.aborted) throw new Lost();
  }
}
