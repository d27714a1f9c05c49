import { closeSync, constants, openSync, readSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { type Paint, paintFor, type Shell } from "./shell.ts";

const DEVICE = "/dev/tty";
const KEY = { interrupt: "\u0003", end: "\u0004", escape: "\u001b", eraseLine: "\u0015" } as const;
const PROMPT_MARK = " › ";
const ENTER = new Set(["\r", "\n"]);
const ERASE = new Set(["\u0008", "\u007f"]);

/**
 * The terminal the person sits at, opened as `/dev/tty`, so that neither a pipe nor a redirection
 * can answer for them. Held in raw mode while it is open: what was typed before a question is then
 * readable, half a line too, and is thrown away before each question.
 */
export class Terminal {
  readonly paint: Paint;
  readonly #output: WriteStream;
  readonly #drain: number;
  readonly #input: ReadStream;
  #text = "";

  /** The process's terminal; undefined where it has none. */
  static open(env: Shell["env"]): Terminal | undefined {
    let drain: number | undefined;
    try {
      drain = openSync(DEVICE, constants.O_RDONLY | constants.O_NONBLOCK);
      return new Terminal(drain, env);
    } catch {
      if (drain !== undefined) closeSync(drain);
      return undefined;
    }
  }

  private constructor(drain: number, env: Shell["env"]) {
    this.#drain = drain;
    this.#output = new WriteStream(openSync(DEVICE, constants.O_WRONLY));
    this.#input = new ReadStream(openSync(DEVICE, constants.O_RDONLY));
    this.#input.setRawMode(true).setEncoding("utf8");
    this.paint = paintFor({ isTTY: true }, env);
  }

  get width(): number {
    return Math.min(120, Math.max(20, this.#size()[0]));
  }

  /**
   * Shows every line, a screenful at a time where they are more than one. False where the person
   * left before the end: then not all of it was seen.
   */
  async show(lines: readonly string[]): Promise<boolean> {
    const page = Math.max(4, this.#size()[1] - 2);
    for (let at = 0; at < lines.length; at += page) {
      for (const line of lines.slice(at, at + page)) this.#write(`${line}\r\n`);
      const seen = Math.min(at + page, lines.length);
      if (seen === lines.length) break;
      const more = ` ${seen} of ${lines.length} lines — Enter shows more, q leaves `;
      if (!(await this.#turnPage(this.paint("inverse", more)))) return false;
    }
    return true;
  }

  /** A typed line, without what was typed before the question; undefined on Ctrl-C or Ctrl-D. */
  async ask(question: string): Promise<string | undefined> {
    this.#prompt(question);
    let answer = "";
    for (;;) {
      const key = await this.#key();
      if (key === undefined || key === KEY.interrupt || key === KEY.end) {
        this.#write("\r\n");
        return undefined;
      }
      if (ENTER.has(key)) {
        this.#write("\r\n");
        return answer;
      }
      if (ERASE.has(key) || key === KEY.eraseLine) {
        const kept = ERASE.has(key) ? answer.slice(0, -1) : "";
        this.#write("\b \b".repeat(answer.length - kept.length));
        answer = kept;
      } else if (key >= " " && key <= "~") {
        answer += key;
        this.#write(key);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#input.setRawMode(false);
    this.#input.destroy();
    this.#output.destroy();
    closeSync(this.#drain);
  }

  async #turnPage(prompt: string): Promise<boolean> {
    this.#prompt(prompt);
    for (;;) {
      const key = await this.#key();
      const leaves = key === undefined || key === KEY.interrupt || key === KEY.end || key === "q";
      if (leaves || key === " " || ENTER.has(key)) {
        this.#write("\r\u001b[K");
        return !leaves;
      }
    }
  }

  /** The next key; the sequences of arrows and the like are passed over. */
  async #key(): Promise<string | undefined> {
    while (this.#text === "") {
      const text = await this.#read();
      if (text === undefined) return undefined;
      if (!text.startsWith(KEY.escape)) this.#text = text;
    }
    const [key = ""] = this.#text;
    this.#text = this.#text.slice(key.length);
    return key;
  }

  /** Reads only while somebody waits, so that `#discard` finds all that came before. */
  #read(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const settle = (text: string | undefined) => {
        this.#input.pause();
        this.#input.off("data", onData).off("end", onEnd).off("error", onEnd);
        resolve(text);
      };
      const onData = (text: string) => settle(text);
      const onEnd = () => settle(undefined);
      this.#input.on("data", onData).on("end", onEnd).on("error", onEnd).resume();
    });
  }

  /** What was typed before the mark at its end appeared does not count. */
  #prompt(text: string): void {
    this.#write(text);
    this.#discard();
    this.#write(PROMPT_MARK);
  }

  #discard(): void {
    this.#text = "";
    while (this.#input.read() !== null);
    const bytes = Buffer.alloc(1024);
    try {
      while (readSync(this.#drain, bytes) > 0);
    } catch {
      // EAGAIN: nothing is left.
    }
  }

  #write(text: string): void {
    this.#output.write(text);
  }

  /** A terminal of no known size says 0. */
  #size(): [columns: number, rows: number] {
    const [columns, rows] = this.#output.getWindowSize();
    return [columns || 80, rows || 24];
  }
}
