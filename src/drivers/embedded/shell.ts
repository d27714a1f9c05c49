import { constants } from "node:os";
import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type { Availability, StepIo } from "../../tasks/driver.ts";
import { abortError, throwIfAborted } from "../step/aborted.ts";
import { textList } from "../step/parameter.ts";
import { errnoOf } from "./path-error.ts";
import { coveredPlaces, sandboxed } from "./sandbox.ts";
import { findTools, type Tools } from "./sandbox-tools.ts";
import { type Outcome, runSandboxed } from "./sandboxed-command.ts";
import { testSandbox } from "./self-test.ts";
import { makeLayout, WorkdirError, type Workspace } from "./workspace.ts";

type Unavailable = Extract<Availability, { available: false }>;

/** Exit codes from here on are 128 plus the signal that killed the command. */
const SIGNAL_BASE = 128;

const SELF_TEST_FILE_SIZE = 1024 * 1024;

const LIMIT_SIGNALS: Readonly<Record<string, string>> = {
  SIGXCPU: "it used more processor time than it may",
  SIGXFSZ: "it wrote a larger file than it may",
  SIGKILL: "it was killed, for example for its memory",
  SIGSYS: "it is a program of another kind of processor, such as a 32-bit one",
};

/**
 * `shell.run` in a sandbox of its own. Offered only once the self-test has seen the sandbox hold;
 * `ready` resolves when that is decided.
 */
export class Shell {
  readonly ready: Promise<void>;
  readonly #workspace: Workspace;
  readonly #hidden: readonly string[];
  readonly #closing: AbortSignal;
  readonly #running = new Set<Promise<unknown>>();
  #tools: Tools | undefined;
  #unavailable: Unavailable | undefined = unavailable(
    "the sandbox's self-test is still running",
    "Try again in a moment.",
  );

  constructor(workspace: Workspace, hidden: readonly string[], closing: AbortSignal) {
    this.#workspace = workspace;
    this.#hidden = hidden;
    this.#closing = closing;
    this.ready = this.#track(this.#decide());
  }

  availability(): Availability {
    return this.#unavailable ?? { available: true };
  }

  /**
   * `command: [argv]` → `{exit_code, stdout, stderr, stdout_truncated, stderr_truncated}`, each
   * output up to 64 KB. A non-zero exit code is a result. Throws `command_failed` for a command
   * that cannot be started or that a signal or limit ended.
   */
  async run(parameters: Parameters, io: StepIo): Promise<Record<string, unknown>> {
    const command = textList(parameters, "command");
    requirePlain(command);
    throwIfAborted(io.signal);
    const signal = AbortSignal.any([io.signal, this.#closing]);
    this.#restoreLayout();
    const outcome = await this.#track(this.#start(command, io.maxFileSize, signal));
    if (signal.aborted) throw abortError(signal);
    return resultOf(command, outcome);
  }

  /** Resolves when nothing runs any more; what runs must have been aborted. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #decide(): Promise<void> {
    // The start of the service comes first.
    await new Promise((resolve) => setImmediate(resolve));
    const tools = findTools();
    if ("reason" in tools) {
      this.#unavailable = unavailable(tools.reason, tools.hint);
      return;
    }
    this.#tools = tools;
    const problem = await testSandbox({
      kind: "commands",
      workdir: this.#workspace.workdir,
      covered: coveredPlaces(this.#hidden),
      run: (command) => this.#sandboxed(command, SELF_TEST_FILE_SIZE, this.#closing),
    });
    this.#unavailable = problem && unavailable(problem.reason, problem.hint);
  }

  /** A command may have removed its own home, and the next one starts there. */
  #restoreLayout(): void {
    try {
      makeLayout(this.#workspace.root, this.#workspace.owner);
    } catch (error) {
      if (!(error instanceof WorkdirError)) throw error;
      throw new GatewayError("command_failed", error.problem, { hint: error.hint }, error);
    }
  }

  async #start(
    command: readonly string[],
    maxFileSize: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    try {
      return await this.#sandboxed(command, maxFileSize, signal);
    } catch (error) {
      const what = errnoOf(error) ?? "unexpected error";
      throw new GatewayError(
        "command_failed",
        `the sandbox could not be started: ${what}`,
        {
          hint: what === "E2BIG" ? "The command is too long." : "See the gateway's log.",
        },
        error,
      );
    }
  }

  async #sandboxed(
    command: readonly string[],
    maxFileSize: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (this.#tools === undefined) throw new Error("the sandbox has no tools");
    const start = sandboxed(this.#tools, this.#workspace, this.#hidden, maxFileSize, command);
    return await runSandboxed(start, signal);
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }
}

function unavailable(reason: string, hint: string): Unavailable {
  return { available: false, code: "capability_disabled", reason, hint };
}

function requirePlain(command: readonly string[]): void {
  const isPlain = (word: string): boolean => word.isWellFormed() && !word.includes("\0");
  if (command.length > 0 && command[0] !== "" && command.every(isPlain)) return;
  throw new GatewayError("invalid_request", "command is not a list of words a program can get", {
    hint: "The first word is the program; NUL characters and lone surrogates cannot be passed on.",
  });
}

function resultOf(
  [program = ""]: readonly string[],
  { exitCode, stdout, stderr }: Outcome,
): Record<string, unknown> {
  if (exitCode === undefined) {
    throw failed(`the sandbox did not come up: ${firstLine(stderr.text)}`, "See /capabilities.");
  }
  // prlimit, which starts the command, says so itself; a command that imitates it fails itself.
  if ((exitCode === 126 || exitCode === 127) && stderr.text.startsWith("prlimit: failed to exec")) {
    throw failed(
      `${program} could not be started: ${firstLine(stderr.text).replace(/^.*: /, "")}`,
      "The sandbox has the programs of /usr and of the workspace's own directories.",
    );
  }
  const signal = signalOf(exitCode);
  if (signal !== undefined) {
    const cause = LIMIT_SIGNALS[signal] ?? "it crashed or ended itself";
    throw failed(`${program} was ended by ${signal}: ${cause}`, "Give it less to do at once.");
  }
  return {
    exit_code: exitCode,
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_truncated: stdout.truncated,
    stderr_truncated: stderr.truncated,
  };
}

function failed(detail: string, hint: string): GatewayError {
  return new GatewayError("command_failed", detail, { hint });
}

function signalOf(exitCode: number): string | undefined {
  const number = exitCode - SIGNAL_BASE;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
