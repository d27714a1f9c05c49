import { GatewayError } from "../../contract/errors.ts";

/**
 * Tasks whose agent has given its desktop to a person: the task still holds it, but does nothing there
 * until it gets it back. A person may take such a desktop over, and then nobody gives it back before.
 */
export class Handovers {
  readonly #handed = new Set<string>();
  #isTaken: (desktop: string) => boolean = () => false;

  /** Who knows whether a person has a desktop. */
  watch(isTaken: (desktop: string) => boolean): void {
    this.#isTaken = isTaken;
  }

  has(taskId: string): boolean {
    return this.#handed.has(taskId);
  }

  /** The agent does nothing any more. */
  give(taskId: string): void {
    this.#handed.add(taskId);
  }

  /** Before the agent goes on. Throws `state_changed` while a person has the desktop. */
  takeBack(taskId: string, desktop: string): void {
    if (this.has(taskId) && this.#isTaken(desktop)) {
      throw new GatewayError("state_changed", `A person has taken desktop ${desktop} over.`, {
        hint: "The agent goes on once the desktop is given back: DELETE /desktops/{desktop}/takeover.",
      });
    }
    this.#handed.delete(taskId);
  }

  /** The task has ended. */
  forget(taskId: string): void {
    this.#handed.delete(taskId);
  }
}
