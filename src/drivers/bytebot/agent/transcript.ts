import { inertText, shortLine } from "./agent-event.ts";

/** A message of the result: inert text. */
interface Said {
  readonly role: string;
  readonly text: string;
}

const MAX_MESSAGES = 50;
/** Characters of all of them: a result is no place for more. */
const MAX_TOTAL = 48_000;

/** What was said last, for the result. */
export class Transcript {
  readonly #said: Said[] = [];
  #size = 0;
  #leftOut = 0;
  #lastWords = "";

  add(role: "user" | "assistant", text: string): void {
    const shown = inertText(text);
    const said = { role, text: shown.truncated ? `${shown.text}…` : shown.text };
    if (role === "assistant") this.#lastWords = text.slice(0, 2000);
    this.#said.push(said);
    this.#size += said.text.length;
    while (this.#said.length > MAX_MESSAGES || this.#size > MAX_TOTAL) {
      this.#size -= this.#said.shift()?.text.length ?? 0;
      this.#leftOut++;
    }
  }

  /** In order; the first one says how many earlier ones are missing. */
  messages(): Said[] {
    if (this.#leftOut === 0) return [...this.#said];
    const text = `Earlier messages left out: ${this.#leftOut}.`;
    return [{ role: "gateway", text }, ...this.#said];
  }

  /** The agent's own, in one short line; empty where it said nothing. */
  lastWords(): string {
    return shortLine(this.#lastWords);
  }
}
