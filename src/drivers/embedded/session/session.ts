import { createInterface } from "node:readline";
import { GatewayError } from "../../../contract/errors.ts";
import { abortError, throwIfAborted } from "../../step/aborted.ts";
import { SandboxProcess } from "../sandbox-process.ts";
import type { LauncherCommand, LauncherReport } from "./launcher.ts";
import { type SessionPlace, sessionStart } from "./session-sandbox.ts";

/** ms until the launcher must have reported. */
const START_TIMEOUT = 20_000;

/** ms in which it must have said that a program runs. */
const ANSWER_TIMEOUT = 20_000;

const NEVER = new AbortController().signal;

/** Kept of what the sandbox says when it does not come up; characters. */
const MAX_SAID = 300;

/** How a program of the session ended. */
export interface Exit {
  /** null: a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
}

export interface Program {
  /** Also resolves when the session ends: then with neither code nor signal. */
  readonly exited: Promise<Exit>;
}

/**
 * Starts the sandbox in which all programs of the desktop run. An abort ends the start. Rejects with
 * `desktop_unavailable` where it does not come up.
 */
export async function startSession(
  place: SessionPlace,
  signal: AbortSignal,
  answerTimeout?: number,
): Promise<Session> {
  signal.throwIfAborted();
  const session = new Session(place, answerTimeout);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT)]);
  const end = (): void => session.kill();
  limit.addEventListener("abort", end, { once: true });
  try {
    await session.ready;
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    if (signal.aborted) throw abortError(signal);
    throw error;
  } finally {
    limit.removeEventListener("abort", end);
  }
}

interface Waiting {
  started(): void;
  failed(code: string): void;
  exited(exit: Exit): void;
}

/** The programs of the desktop in their sandbox. Ends with the gateway, however that ends. */
export class Session implements AsyncDisposable {
  /** Resolves when the launcher has reported; rejects with `desktop_unavailable`. */
  readonly ready: Promise<void>;
  /** Resolves when nothing of the session is left. */
  readonly ended: Promise<void>;
  readonly #sandbox: SandboxProcess;
  readonly #answerTimeout: number;
  readonly #programs = new Map<number, Waiting>();
  #next = 1;
  #isAlive = true;
  #said = "";

  constructor(place: SessionPlace, answerTimeout: number = ANSWER_TIMEOUT) {
    this.#answerTimeout = answerTimeout;
    this.#sandbox = new SandboxProcess(sessionStart(place), "pipe");
    this.#sandbox.stdin?.on("error", () => {});
    this.#sandbox.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (this.#said.length < MAX_SAID) this.#said += text;
    });
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    createInterface({ input: this.#sandbox.stdout }).on("line", (line) => {
      const report = JSON.parse(line) as LauncherReport;
      if ("ready" in report) ready.resolve();
      else this.#take(report);
    });
    const onEnd = (cause?: unknown): void => {
      this.#end();
      ready.reject(unavailable(this.#said, cause));
    };
    this.ended = this.#sandbox.ended.then(() => onEnd(), onEnd);
    // Whoever starts a session waits for it; a later end is no failure of that.
    this.ready.catch(() => {});
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /**
   * Starts a program and resolves once it runs. Rejects with `desktop_unavailable` where it cannot be
   * started or the session has ended, with `outcome_unknown` where it ends meanwhile, and with the
   * signal's reason. A session whose launcher does not answer, such as one that was stopped, is ended.
   */
  async start(
    argv: readonly string[],
    env: Record<string, string> = {},
    signal: AbortSignal = NEVER,
  ): Promise<Program> {
    if (!this.#isAlive) throw unavailable("");
    throwIfAborted(signal);
    const id = this.#next++;
    const command: LauncherCommand = { id, argv, env };
    const started = Promise.withResolvers<Program>();
    const exited = Promise.withResolvers<Exit>();
    this.#programs.set(id, {
      started: () => started.resolve({ exited: exited.promise }),
      failed: (code) => started.reject(cannotStart(argv[0] ?? "", code)),
      exited: (exit) => {
        exited.resolve(exit);
        // Without effect for a program that has been seen to start.
        started.reject(interrupted());
      },
    });
    this.#sandbox.stdin?.write(`${JSON.stringify(command)}\n`);
    const late = setTimeout(() => this.kill(), this.#answerTimeout);
    const onAbort = (): void => started.reject(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await started.promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", onAbort);
    }
  }

  kill(): void {
    this.#sandbox.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.ended;
  }

  #take(report: Exclude<LauncherReport, { ready: true }>): void {
    const program = this.#programs.get(report.id);
    if (program === undefined) return;
    if ("started" in report) {
      program.started();
      return;
    }
    this.#programs.delete(report.id);
    if ("failed" in report) program.failed(report.failed);
    else program.exited({ code: report.exited, signal: report.signal });
  }

  #end(): void {
    this.#isAlive = false;
    for (const program of this.#programs.values()) program.exited({ code: null, signal: null });
    this.#programs.clear();
  }
}

function unavailable(said: string, cause?: unknown): GatewayError {
  const why = said.split("\n", 1)[0] ?? "";
  return new GatewayError(
    "desktop_unavailable",
    `the sandbox of the desktop's programs ${why === "" ? "has ended" : `does not come up: ${why}`}`,
    { hint: "Try again; if it stays so, see /ready and the gateway's log." },
    cause,
  );
}

function cannotStart(program: string, code: string): GatewayError {
  return new GatewayError("desktop_unavailable", `${program} cannot be started: ${code}`, {
    hint: "Install it, or name another program in config/desktop.json.",
  });
}

function interrupted(): GatewayError {
  return new GatewayError("outcome_unknown", "the desktop's programs ended while one was started", {
    hint: "Look at the screen before trying again.",
  });
}
