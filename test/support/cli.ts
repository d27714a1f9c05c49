import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import type { Gateway } from "./gateway.ts";

/** The built command line, run beside a gateway with its credentials in the environment. */
const CLI = join(dirname(dirname(import.meta.dirname)), "dist/cli.js");

export interface CliOptions {
  /** Added to the environment; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
}

export interface CliResult {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command without a terminal: its stdin, stdout and stderr are pipes. */
export async function cli(
  gateway: Gateway,
  words: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const running = new RunningCli(gateway, words, options);
  const exit = await running.exited;
  return { exit, stdout: running.stdout, stderr: running.stderr };
}

/** A command on pipes that goes on. */
export class RunningCli {
  stdout = "";
  stderr = "";
  readonly process: ChildProcessWithoutNullStreams;
  readonly exited: Promise<number | null>;

  constructor(gateway: Gateway, words: readonly string[], options: CliOptions = {}) {
    this.process = spawn(process.execPath, [CLI, ...words], {
      cwd: gateway.directory,
      env: environment(gateway, options),
      // A session of its own has no terminal to open.
      detached: true,
    });
    this.process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.process.stdin.on("error", () => undefined).end(options.input ?? "");
    this.exited = once(this.process, "close").then(([exit]) => exit);
  }

  /** Resolves once stderr holds the text; rejects when the command ends without it. */
  async says(text: string): Promise<void> {
    const ended = this.exited.then(() => true);
    while (!this.stderr.includes(text)) {
      const more = once(this.process.stderr, "data").then(() => false);
      if ((await Promise.race([more, ended])) && !this.stderr.includes(text)) {
        throw new Error(`ended without saying ${JSON.stringify(text)}:\n${this.stderr}`);
      }
    }
  }
}

/** A command on a terminal of its own, 100 columns wide, made by `script` of util-linux. */
export class TerminalCli implements Disposable {
  /** Everything on the screen so far. */
  screen = "";
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();

  constructor(
    gateway: Gateway,
    words: readonly string[],
    options: CliOptions & { rows?: number } = {},
  ) {
    const quoted = [process.execPath, CLI, ...words].map(
      (word) => `'${word.replaceAll("'", "'\\''")}'`,
    );
    const command = `stty rows ${options.rows ?? 60} cols 100 && exec ${quoted.join(" ")}`;
    this.#child = spawn("script", ["-qefc", command, "/dev/null"], {
      cwd: gateway.directory,
      env: { ...environment(gateway, options), TERM: "xterm", SHELL: "/bin/sh" },
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.screen += text;
      for (const listener of [...this.#listeners]) listener();
    });
    this.exited = once(this.#child, "close").then(([exit]) => exit);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }

  /** Resolves once the text was shown so many times; rejects when the command ends without it. */
  shows(text: string, times = 1): Promise<void> {
    const holds = () => this.screen.split(text).length > times;
    return this.#until(holds, `showing ${JSON.stringify(text)}`);
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (holds()) resolve();
    };
    this.#listeners.add(look);
    look();
    await Promise.race([promise, this.exited]);
    this.#listeners.delete(look);
    if (!holds()) throw new Error(`ended without ${what}:\n${this.screen}`);
  }
}

function environment(gateway: Gateway, options: CliOptions): Record<string, string | undefined> {
  return {
    PATH: process.env.PATH,
    HOME: gateway.directory,
    GATEWAY_URL: gateway.url,
    SHARED_SECRET: gateway.keys.default.secret,
    AUDIT_KEY: gateway.auditKey,
    DATA_DIR: gateway.dataDir,
    WORKDIR: gateway.workdir,
    CONFIG_DIR: gateway.configDir,
    PORT: String(gateway.port),
    NO_COLOR: "1",
    ...options.env,
  };
}
