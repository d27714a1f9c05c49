/** What the program printed that it should not have: by text, with how often. */
export class LogWatch {
  readonly errors = new Map<string, number>();
  /** Rejections and exceptions that nobody handled. */
  readonly unhandled = new Map<string, number>();
  /** Warnings of Node itself, such as too many listeners. */
  readonly warnings = new Map<string, number>();
  /** One line of each text, whole. */
  readonly samples = new Map<string, string>();
  link = "";

  read(line: string): void {
    const link = /http\S+\/console#link=[\w-]+/.exec(line)?.[0];
    if (link !== undefined) this.link = link;
    if (!line.startsWith("{")) {
      if (/Warning:/.test(line))
        this.#note(this.warnings, line.replace(/^\(node:\d+\) /, ""), line);
      return;
    }
    const { level, msg, err } = JSON.parse(line) as LogLine;
    if (level !== "error" && level !== "fatal") return;
    const what = `${msg}${err?.message === undefined ? "" : `: ${err.message}`}`;
    this.#note(this.errors, what, line);
    if (/unforeseen|unhandled|uncaught/i.test(what)) this.#note(this.unhandled, what, line);
  }

  #note(counts: Map<string, number>, what: string, line: string): void {
    const short = what.replaceAll(/task_[\w-]{22}|[\da-f]{8}-[\da-f-]{27}/g, "…").slice(0, 200);
    counts.set(short, (counts.get(short) ?? 0) + 1);
    if (!this.samples.has(short)) this.samples.set(short, line);
  }
}

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly err?: { readonly message?: string };
}
