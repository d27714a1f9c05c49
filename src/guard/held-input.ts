import type { DaemonRequest } from "../tasks/agent-guard.ts";

/** Which keys and buttons an agent may have left down. */
export class HeldInput {
  readonly #keys = new Set<string>();
  readonly #buttons = new Set<string>();

  /** Before the request is sent: from here on what it presses may be down. */
  begin(request: DaemonRequest): void {
    if (request.press === "up") return;
    for (const key of keysOf(request)) this.#keys.add(key);
    for (const button of buttonsOf(request)) this.#buttons.add(button);
  }

  /** The daemon has done it: what it let go is up. */
  finish(request: DaemonRequest): void {
    if (request.press === "down") return;
    for (const key of keysOf(request)) this.#keys.delete(key);
    for (const button of buttonsOf(request)) this.#buttons.delete(button);
  }

  /** What lets go of all that may be down. */
  releases(): DaemonRequest[] {
    return [
      ...[...this.#buttons].map((button) => ({ action: "press_mouse", button, press: "up" })),
      ...(this.#keys.size === 0
        ? []
        : [{ action: "press_keys", keys: [...this.#keys], press: "up" }]),
    ];
  }
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Keys the request presses; but for `press_keys` the daemon lets go of them, unless it fails. */
function keysOf({ keys, holdKeys }: DaemonRequest): string[] {
  return [...list(keys), ...list(holdKeys)];
}

function buttonsOf({ button }: DaemonRequest): string[] {
  return typeof button === "string" ? [button] : [];
}
