import type { DaemonRequest } from "../../tasks/agent-guard.ts";
import { type Inputs, traitsOf } from "./daemon-actions.ts";

/** Every modifier by ByteBot's name, and every button. */
export const EVERY_INPUT: Inputs = {
  keys: ["Shift_L", "Shift_R", "Control_L", "Control_R", "Alt_L", "Alt_R", "Super_L", "Super_R"],
  buttons: ["left", "right", "middle"],
};

/** Account of the keys and buttons that are held, or may be. */
export class HeldInputs {
  readonly #keys = new Set<string>();
  readonly #buttons = new Set<string>();

  get isEmpty(): boolean {
    return this.#keys.size + this.#buttons.size === 0;
  }

  add({ keys, buttons }: Inputs): void {
    for (const key of keys) this.#keys.add(key);
    for (const button of buttons) this.#buttons.add(button);
  }

  remove({ keys, buttons }: Inputs): void {
    for (const key of keys) this.#keys.delete(key);
    for (const button of buttons) this.#buttons.delete(button);
  }

  /** Everything in it, which it has no more afterwards. */
  take(): Inputs {
    const taken = { keys: [...this.#keys], buttons: [...this.#buttons] };
    this.remove(taken);
    return taken;
  }

  /** After it succeeded: presses hold, releases free, and everything else leaves nothing behind. */
  account(request: DaemonRequest): void {
    if (request.action !== "press_keys" && request.action !== "press_mouse") return;
    const { presses } = traitsOf(request);
    if (request.press === "down") this.add(presses);
    else this.remove(presses);
  }

  /** The requests that let go of everything. */
  releases(): DaemonRequest[] {
    const release = (button: string) => ({ action: "press_mouse", button, press: "up" });
    const buttons = [...this.#buttons].map(release);
    const keys = [...this.#keys];
    if (keys.length === 0) return buttons;
    return [...buttons, { action: "press_keys", keys, press: "up" }];
  }
}
