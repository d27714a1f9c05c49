import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../../contract/errors.ts";
import type { Availability } from "../../../tasks/driver.ts";
import { abortError, throwIfAborted } from "../../step/aborted.ts";
import { requireAvailable } from "../../step/require-available.ts";
import { findTools, type Tools } from "../sandbox-tools.ts";
import type { Workspace } from "../workspace.ts";
import { Applications, type Start } from "./applications.ts";
import { probeSession } from "./probe-session.ts";
import { type Program, type Session, startSession } from "./session.ts";
import type { DisplayAddress } from "./session-sandbox.ts";

type Unavailable = Extract<Availability, { available: false }>;

/** ms in which a program that cannot work has said so by ending. */
const TRIAL = 400;

export interface ProgramsOptions {
  readonly workspace: Workspace;
  /** Directories of the gateway (data, configuration, checkout) that no sandbox may ever see. */
  readonly hidden: readonly string[];
  /** `applications` of config/desktop.json: argument lists by name. */
  readonly applications: Readonly<Record<string, readonly string[]>>;
  /** Socket of the egress proxy. */
  readonly egressSocket: string;
  /** The display that is there now; starts one where none is. */
  display(signal: AbortSignal): Promise<DisplayAddress>;
}

/**
 * The programs of the embedded desktop. Offered only once the self-test has seen their sandbox hold;
 * the session they run in is started at the first use, and again after it or its display has ended.
 */
export class Programs implements AsyncDisposable {
  /** Resolves when the self-test has decided. */
  readonly ready: Promise<void>;
  readonly applications: Applications;
  readonly #options: ProgramsOptions;
  readonly #closing = new AbortController();
  #tools: Tools | undefined;
  #unavailable: Unavailable | undefined = unavailable(
    "the self-test of the desktop's sandbox is still running",
    "Try again in a moment.",
  );
  #session: { readonly session: Session; readonly display: string } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ProgramsOptions) {
    this.#options = options;
    this.applications = new Applications(options.applications);
    this.ready = this.#decide();
  }

  /** Whether programs are started here at all. */
  availability(): Availability {
    return this.#unavailable ?? { available: true };
  }

  /**
   * Starts an application by its name. Rejects with `desktop_unavailable` where it is not installed
   * or ends at once, `outcome_unknown` where the session ended while it started.
   */
  async openApplication(application: string, signal: AbortSignal): Promise<void> {
    await this.#open(() => this.applications.start(application), application, signal);
  }

  /** Opens an http or https URL in the running browser, or starts it. Rejects like `openApplication`. */
  async openUrl(url: string, signal: AbortSignal): Promise<void> {
    await this.#open(() => this.applications.startUrl(url), "the browser", signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new GatewayError("stopped", "the gateway is shutting down"));
    await this.ready;
    await this.#turn;
    await this.#session?.session[Symbol.asyncDispose]();
  }

  async #open(choose: () => Start, name: string, asked: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([asked, this.#closing.signal]);
    throwIfAborted(signal);
    requireAvailable(this.availability());
    const { argv, env } = choose();
    const session = await this.#inTurn(() => this.#current(signal));
    throwIfAborted(signal);
    const program = await session.start(argv, env, signal);
    await seenToRun(program, name, signal);
  }

  /** The session on the present display. */
  async #current(signal: AbortSignal): Promise<Session> {
    throwIfAborted(signal);
    const display = await this.#options.display(signal);
    const present = this.#session;
    if (present?.session.isAlive === true && present.display === display.socket) {
      return present.session;
    }
    await present?.session[Symbol.asyncDispose]();
    const { workspace, hidden, egressSocket } = this.#options;
    if (this.#tools === undefined) throw new Error("the sandbox has no tools");
    const place = { tools: this.#tools, workspace, hidden, egressSocket, display };
    const session = await startSession(place, signal);
    this.#session = { session, display: display.socket };
    return session;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return await result;
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
    const { workspace, hidden, egressSocket } = this.#options;
    const place = { tools, workspace, hidden, egressSocket, display: undefined };
    const problem = await probeSession(place, this.#closing.signal);
    this.#unavailable = problem && unavailable(problem.reason, problem.hint);
  }
}

/** A program that goes on, or ends well because another instance took over, has been opened. */
async function seenToRun({ exited }: Program, name: string, signal: AbortSignal): Promise<void> {
  const trial = new AbortController();
  const limit = AbortSignal.any([signal, trial.signal]);
  const runs = sleep(TRIAL, "runs" as const, { signal: limit }).catch(() => "runs" as const);
  const exit = await Promise.race([exited, runs]);
  trial.abort();
  if (signal.aborted) throw abortError(signal);
  if (exit === "runs" || exit.code === 0) return;
  if (exit.code === null && exit.signal === null) {
    throw new GatewayError("outcome_unknown", `the desktop's programs ended when ${name} started`, {
      hint: "Look at the screen before trying again.",
    });
  }
  throw new GatewayError(
    "desktop_unavailable",
    `${name} ended as soon as it was started (${exit.signal ?? `exit code ${exit.code}`})`,
    { hint: "Start it in a terminal of the desktop to see what it lacks." },
  );
}

function unavailable(reason: string, hint: string): Unavailable {
  return { available: false, code: "desktop_unavailable", reason, hint };
}
