import { makeVisible } from "../lib/inert.ts";
import { wrapWords } from "./inert-text.ts";
import { quoteForShell } from "./quote-for-shell.ts";
import { type Paint, paintFor, type Shell, widthOf } from "./shell.ts";

/**
 * Where a command's words go: what was asked for to stdout, everything else to stderr. With
 * `--json` stdout carries JSON alone and stderr nothing but an error.
 */
export class Output {
  readonly json: boolean;
  /** Colours and width of stdout. */
  readonly paint: Paint;
  readonly width: number;
  /** How this program was called, for the commands that it suggests. */
  readonly program: string;
  /** Colours of stderr. */
  readonly notePaint: Paint;
  readonly #shell: Shell;

  constructor(shell: Shell, json: boolean) {
    this.#shell = shell;
    this.json = json;
    this.paint = paintFor(shell.stdout, shell.env);
    this.notePaint = paintFor(shell.stderr, shell.env);
    this.width = widthOf(shell.stdout);
    this.program = programOf(shell.env);
  }

  /** Whether a person reads stdout, to whom only inert text may go. */
  get onTerminal(): boolean {
    return this.#shell.stdout.isTTY === true;
  }

  /** Lines for a person on stdout: inert already. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.#shell.stdout.write(`${line}\n`);
  }

  /** Bytes for a program on stdout, untouched; resolves when they are handed on. */
  raw(content: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#shell.stdout.write(content, () => resolve()));
  }

  /** The one JSON document of a command. */
  document(value: unknown): void {
    this.#shell.stdout.write(`${safeJson(value, 2)}\n`);
  }

  /** One line of a JSON stream. */
  jsonLine(value: unknown): void {
    this.#shell.stdout.write(`${safeJson(value)}\n`);
  }

  /** Lines for a person beside the result; not with `--json`. Inert already. */
  note(...lines: readonly string[]): void {
    if (this.json) return;
    for (const line of lines) this.#shell.stderr.write(`${line}\n`);
  }

  /** An error, whoever reads. The texts may be anyone's: they are made inert here. */
  error(error: { code: string; detail: string; hint?: string | undefined; exit: number }): void {
    if (this.json) {
      const { code, detail, hint, exit } = error;
      this.#shell.stderr.write(`${safeJson({ error: { code, detail, hint, exit } })}\n`);
      return;
    }
    const paint = this.notePaint;
    this.#shell.stderr.write(
      `${paint(["red", "bold"], "error:")} ${this.#wrapped(error.detail)}\n`,
    );
    if (error.hint !== undefined) {
      this.#shell.stderr.write(`${paint("dim", "hint:")}  ${this.#wrapped(error.hint)}\n`);
    }
  }

  /** Made inert; on a terminal words stay whole and stand under each other, a program gets lines. */
  #wrapped(text: string): string {
    const lines = makeVisible(text, { multiline: true }).split("\n");
    if (this.#shell.stderr.isTTY !== true) return lines.join("\n");
    const room = widthOf(this.#shell.stderr) - LEAD;
    return lines.flatMap((line) => wrapWords(line, room)).join(`\n${" ".repeat(LEAD)}`);
  }
}

/** What stands before an error and before its hint. */
const LEAD = "error: ".length;

/** Characters JSON may carry bare but a terminal would act on or not show. */
const UNSAFE = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** JSON with invisible and control characters escaped: the same value, safe to look at. */
function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** How this program was called, as a word of a shell: a clone's script says how it was itself. */
export function programOf({ GATEWAY_COMMAND, npm_lifecycle_event: script }: Shell["env"]): string {
  if (GATEWAY_COMMAND) return quoteForShell(makeVisible(GATEWAY_COMMAND));
  return script === "npx" ? "npx bytebot-gateway" : "bytebot-gateway";
}
