import { tmpdir } from "node:os";
import type { Availability } from "../../tasks/driver.ts";
import { awaitSettled, glanceAt, type SettlingTimes } from "../desktop/await-settled.ts";
import type { Desktop } from "../desktop/desktop.ts";
import { Display, type DisplayOptions, displayProblem } from "./display/display.ts";
import { DisplayDesktop } from "./display/display-desktop.ts";
import { type EgressOptions, type EgressProxy, startEgressProxy } from "./egress/egress-proxy.ts";
import { Programs } from "./session/programs.ts";
import type { Workspace } from "./workspace.ts";

export interface EmbeddedDesktopOptions {
  readonly workspace: Workspace;
  readonly hidden: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Argument lists by name, besides what is found. */
  readonly applications: Readonly<Record<string, readonly string[]>>;
  /** What the programs may reach. */
  readonly egress: Omit<EgressOptions, "owner">;
}

/** Why there is no desktop, and what to do. */
export interface NoDesktop {
  readonly reason: string;
  readonly hint: string;
}

/** Once a program runs its windows come up, empty at first; what is in front already changes nothing. */
const TIMES: SettlingTimes = { pause: 400, unchanged: 4000, limit: 10_000 };

/**
 * A screen of our own where Xvfb is installed: the display, the sandbox its programs run in, and
 * their way out. The display and the sandbox start when they are first used.
 */
export class EmbeddedDesktop extends DisplayDesktop implements Desktop, AsyncDisposable {
  readonly #display: Display;
  readonly #programs: Programs;
  readonly #egress: EgressProxy;

  private constructor(display: Display, programs: Programs, egress: EgressProxy) {
    super(display);
    this.#display = display;
    this.#programs = programs;
    this.#egress = egress;
  }

  /** The desktop, or why there is none and what to do. */
  static async open(options: EmbeddedDesktopOptions): Promise<EmbeddedDesktop | NoDesktop> {
    const problem = displayProblem();
    if (problem !== undefined) return problem;
    const { workspace, hidden, applications, width, height } = options;
    const size: DisplayOptions = { owner: workspace.owner, width, height };
    const display = new Display(size);
    const egress = await startEgressProxy({ ...options.egress, owner: workspace.owner }).catch(
      noRoom,
    );
    if ("reason" in egress) return egress;
    const programs = new Programs({
      workspace,
      hidden,
      applications,
      egressSocket: egress.socket,
      display: async (signal) => (await display.use(signal)).address,
    });
    return new EmbeddedDesktop(display, programs, egress);
  }

  /** Resolves when it is decided whether programs can be started. */
  get ready(): Promise<void> {
    return this.#programs.ready;
  }

  /** Whether programs can be started at all. */
  programs(): Availability {
    return this.#programs.availability();
  }

  /** Whether this application can be opened, or what to install. */
  application(name: string): Availability {
    const programs = this.#programs.availability();
    return programs.available ? this.#programs.applications.available(name) : programs;
  }

  browser(): Availability {
    const programs = this.#programs.availability();
    return programs.available ? this.#programs.applications.browserAvailable() : programs;
  }

  async openApplication(application: string, signal: AbortSignal): Promise<boolean> {
    return await this.#open(() => this.#programs.openApplication(application, signal), signal);
  }

  async openUrl(url: string, signal: AbortSignal): Promise<boolean> {
    return await this.#open(() => this.#programs.openUrl(url, signal), signal);
  }

  /** Ends the connections of programs that the policy would not allow any more. */
  async recheckConnections(): Promise<void> {
    await this.#egress.recheck();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs[Symbol.asyncDispose]();
    await this.#display[Symbol.asyncDispose]();
    await this.#egress[Symbol.asyncDispose]();
  }

  async #open(start: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    const before = glanceAt(await this.picture(signal));
    await this.exclusively(signal, start);
    return await awaitSettled(() => this.picture(signal), before, TIMES, signal);
  }
}

/** Sockets and cookies need a folder that can be written. */
function noRoom(error: unknown): NoDesktop {
  if (!(error instanceof Error && "code" in error)) throw error;
  return {
    reason: `the embedded desktop finds no room for its sockets in ${tmpdir()} (${error.code})`,
    hint: "Let the gateway's user write there, or set TMPDIR to a folder it may write; restart.",
  };
}
