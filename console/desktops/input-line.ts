import type { InputRequest } from "../../src/contract/desktop.ts";

/** As many may wait for the one under way; whoever is faster than that sees nothing of what they do. */
const MAX_WAITING = 12;
/** Limits of the capabilities. */
const MAX_TEXT = 4096;
const MAX_NOTCHES = 50;

export type InputAction = InputRequest["action"];

export interface InputLineOptions {
  readonly act: (request: InputRequest) => Promise<unknown>;
  /** After each that is done. */
  readonly onDone?: () => void;
  /** What waited behind it is dropped: it was meant for another screen. */
  readonly onError: (error: unknown) => void;
}

/** Sends what a person does one after the other; text and turns of the wheel that wait go together. */
export class InputLine {
  readonly #options: InputLineOptions;
  #waiting: InputRequest[] = [];
  #isBusy = false;

  constructor(options: InputLineOptions) {
    this.#options = options;
  }

  /** Forgets what has not been sent. */
  clear(): void {
    this.#waiting = [];
  }

  /** False where too much waits already: then it is not done. */
  send(action: InputAction, parameters: Record<string, unknown>): boolean {
    const last = this.#waiting.at(-1);
    const joined = last && join(last, { action, parameters });
    if (joined !== undefined) {
      this.#waiting[this.#waiting.length - 1] = joined;
    } else {
      if (this.#waiting.length >= MAX_WAITING) return false;
      this.#waiting.push({ action, parameters });
    }
    if (!this.#isBusy) void this.#work();
    return true;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#options.act(next);
        this.#options.onDone?.();
      } catch (error) {
        this.#waiting = [];
        this.#options.onError(error);
      }
    }
    this.#isBusy = false;
  }
}

function join(before: InputRequest, after: InputRequest): InputRequest | undefined {
  if (before.action !== after.action) return undefined;
  if (after.action === "keyboard.type") {
    const text = `${before.parameters.text}${after.parameters.text}`;
    return text.length > MAX_TEXT ? undefined : { ...after, parameters: { text } };
  }
  if (
    after.action === "mouse.scroll" &&
    before.parameters.direction === after.parameters.direction
  ) {
    const notches = Number(before.parameters.scroll_count) + Number(after.parameters.scroll_count);
    const scroll_count = Math.min(notches, MAX_NOTCHES);
    return { ...after, parameters: { ...after.parameters, scroll_count } };
  }
  return undefined;
}
