import type { ClientEvent } from "../client/client.ts";
import { makeVisible } from "../lib/inert.ts";
import { cut } from "./inert-text.ts";
import { type Paint, paintFor, type Shell, type Sink, widthOf } from "./shell.ts";

const BAR_WIDTH = 20;

/** What each event is called for a person. */
const NAMES: Readonly<Record<string, string>> = {
  task_planned: "planned",
  task_confirmed: "approved",
  task_rejected: "rejected",
  task_expired: "expired",
  task_queued: "queued",
  task_started: "started",
  task_progress: "running",
  task_completed: "completed",
  task_failed: "failed",
  task_cancelled: "cancelled",
  task_interrupted: "interrupted",
};

/**
 * How a task goes on, on stderr: one line that is written over on a terminal, a line for each
 * change elsewhere, nothing with `quiet`.
 */
export class ProgressLine {
  readonly #sink: Sink;
  readonly #live: boolean;
  readonly #quiet: boolean;
  readonly #paint: Paint;
  #shown = "";

  constructor(shell: Pick<Shell, "stderr" | "env">, quiet: boolean) {
    this.#sink = shell.stderr;
    this.#quiet = quiet;
    this.#live = shell.stderr.isTTY === true && shell.env.TERM !== "dumb";
    this.#paint = paintFor(shell.stderr, shell.env);
  }

  /** The newest event of the task. */
  event(event: ClientEvent): void {
    const name = NAMES[event.event] ?? event.event;
    const running = event.event === "task_progress" || event.event === "task_started";
    const message = typeof event.message === "string" ? makeVisible(event.message) : "";
    this.#show(name, running ? (event.progress ?? 0) : undefined, message);
  }

  /** Something else that is waited for. */
  waiting(text: string): void {
    this.#show(text, undefined, "");
  }

  /** Leaves the terminal's line empty for what comes next. */
  clear(): void {
    if (this.#live && this.#shown !== "") this.#sink.write("\r\u001b[K");
    this.#shown = "";
  }

  #show(name: string, progress: number | undefined, message: string): void {
    if (this.#quiet) return;
    const percent = progress === undefined ? "" : `${Math.round(progress)} %`;
    const text = [name, percent, message].filter((part) => part !== "").join("  ");
    if (text === this.#shown) return;
    this.#shown = text;
    if (!this.#live) {
      this.#sink.write(`${text}\n`);
      return;
    }
    const bar = progress === undefined ? "" : `${this.#bar(progress)} `;
    const room = widthOf(this.#sink) - 1 - (progress === undefined ? 0 : BAR_WIDTH + 1);
    this.#sink.write(`\r\u001b[K${bar}${cut(text, Math.max(1, room))}`);
  }

  #bar(progress: number): string {
    const full = Math.round((Math.min(100, Math.max(0, progress)) / 100) * BAR_WIDTH);
    return (
      this.#paint("green", "━".repeat(full)) + this.#paint("dim", "─".repeat(BAR_WIDTH - full))
    );
  }
}
