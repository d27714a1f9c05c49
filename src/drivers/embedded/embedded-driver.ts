import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type {
  Availability,
  Driver,
  InspectContext,
  Inspection,
  StepIo,
} from "../../tasks/driver.ts";
import type { PlannedStep } from "../../tasks/task.ts";
import { DesktopActions } from "../desktop/desktop-actions.ts";
import { text } from "../step/parameter.ts";
import { requireAvailable } from "../step/require-available.ts";
import { wait } from "../step/wait.ts";
import { editFile } from "./edit.ts";
import {
  EmbeddedDesktop,
  type EmbeddedDesktopOptions,
  type NoDesktop,
} from "./embedded-desktop.ts";
import { inspectEdit, inspectWrite } from "./inspect.ts";
import { listDirectory } from "./list.ts";
import { readFile } from "./read.ts";
import { Shell } from "./shell.ts";
import { sweepLeftovers } from "./sweep.ts";
import { sweepSandboxes } from "./sweep-sandboxes.ts";
import { openWorkspace, problemWith, type Workspace } from "./workspace.ts";
import { writeFile } from "./write.ts";

export interface EmbeddedDriverOptions {
  /** Root of the private workspace; made where it is missing. */
  readonly workdir: string;
  /** Directories of the gateway (data, configuration, checkout) that no sandbox may ever see. */
  readonly hidden?: readonly string[];
  /** Its screen; absent: it has none, whatever is installed. */
  readonly desktop?: Omit<EmbeddedDesktopOptions, "workspace" | "hidden">;
}

interface Parts {
  readonly workspace: Workspace;
  readonly shell: Shell;
}
type Perform = (parts: Parts, step: PlannedStep, io: StepIo) => Promise<Record<string, unknown>>;
type Inspect = (
  workspace: Workspace,
  parameters: Parameters,
  maxFileSize: number,
) => Promise<Inspection>;

const ACTIONS: Readonly<Record<string, Perform>> = {
  "fs.read": ({ workspace }, { parameters }, io) => readFile(workspace.root, parameters, io),
  "fs.list": ({ workspace }, { parameters }, io) => listDirectory(workspace.root, parameters, io),
  "fs.write": ({ workspace }, { parameters, bound }, io) =>
    writeFile(workspace, parameters, bound, io),
  "fs.edit": ({ workspace }, { parameters, bound }, io) =>
    editFile(workspace, parameters, bound, io),
  "shell.run": ({ shell }, { parameters }, io) => shell.run(parameters, io),
  wait: (_parts, { parameters }, io) => wait(parameters, io),
};

const INSPECTIONS: Readonly<Record<string, Inspect>> = {
  "fs.write": inspectWrite,
  "fs.edit": inspectEdit,
};

/** Actions on a desktop that has a screen. */
const DESKTOP_ACTION = /^(browser|app|screen|mouse|keyboard)\./;

/** What an action on the screen needs besides a display. */
const NEEDS: Readonly<
  Record<string, (desktop: EmbeddedDesktop, parameters: Parameters) => Availability>
> = {
  "app.open": (desktop, parameters) => desktop.application(text(parameters, "application")),
  "browser.open": (desktop) => desktop.browser(),
};

const NO_SCREEN: NoDesktop = {
  reason: "this embedded driver has no screen",
  hint: "It was opened without one.",
};

/** Nothing is bound and nothing shown: what such a step does depends on no state. */
const NO_INSPECTION: Inspection = { bound: {}, riskFactors: [] };

/**
 * Opens the embedded driver on WORKDIR. Throws WorkdirError where that cannot be its workspace. The
 * self-tests of its sandboxes and the sweep of what a killed run left behind go on after it has
 * opened.
 */
export async function openEmbeddedDriver(options: EmbeddedDriverOptions): Promise<EmbeddedDriver> {
  const workspace = openWorkspace(options.workdir);
  sweepSandboxes(workspace.workdir);
  const hidden = options.hidden ?? [];
  try {
    const desktop =
      options.desktop === undefined
        ? NO_SCREEN
        : await EmbeddedDesktop.open({ ...options.desktop, workspace, hidden });
    return new EmbeddedDriver(workspace, hidden, desktop);
  } catch (error) {
    workspace[Symbol.dispose]();
    throw error;
  }
}

/**
 * Works on a private workspace of files under WORKDIR, runs commands in a sandbox that sees it, and
 * drives a desktop of its own where Xvfb is installed.
 */
export class EmbeddedDriver implements Driver {
  readonly name = "embedded";
  /** Resolves when the self-tests and the sweep are over: `availability` is settled then. */
  readonly ready: Promise<void>;
  readonly #closing = new AbortController();
  readonly #parts: Parts;
  readonly #desktop: EmbeddedDesktop | undefined;
  readonly #actions: DesktopActions | undefined;
  readonly #noDesktop: NoDesktop | undefined;

  constructor(
    workspace: Workspace,
    hidden: readonly string[],
    desktop: EmbeddedDesktop | NoDesktop,
  ) {
    const shell = new Shell(workspace, hidden, this.#closing.signal);
    this.#parts = { workspace, shell };
    if ("reason" in desktop) this.#noDesktop = desktop;
    else {
      this.#desktop = desktop;
      this.#actions = new DesktopActions(desktop);
    }
    const swept = sweepLeftovers(workspace.root, this.#closing.signal);
    this.ready = Promise.all([shell.ready, swept, this.#desktop?.ready]).then(() => {});
  }

  availability(action: string): Availability {
    if (action === "shell.run") return this.#parts.shell.availability();
    if (Object.hasOwn(ACTIONS, action)) return { available: true };
    if (DESKTOP_ACTION.test(action)) return this.#screenFor(action);
    return {
      available: false,
      code: "capability_disabled",
      reason: `the embedded driver does not perform ${action}`,
      hint: "The agent is ByteBot's: see DRIVER=bytebot and BYTEBOT_AGENT_URL.",
    };
  }

  async inspect(
    action: string,
    parameters: Parameters,
    context: InspectContext,
  ): Promise<Inspection> {
    this.#require(action, parameters);
    if (Object.hasOwn(INSPECTIONS, action)) {
      const inspect = INSPECTIONS[action];
      if (inspect !== undefined) {
        return await inspect(this.#parts.workspace, parameters, context.maxFileSize);
      }
    }
    return this.#actions?.handles(action) === true
      ? await this.#actions.inspect(action, parameters, context)
      : NO_INSPECTION;
  }

  async perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>> {
    this.#require(step.action, step.parameters);
    if (this.#actions?.handles(step.action) === true) return await this.#actions.perform(step, io);
    const perform = ACTIONS[step.action];
    if (perform === undefined) throw new Error(`${step.action} is available and has no code`);
    return await perform(this.#parts, step, io);
  }

  async health(): Promise<{ detail: string; hint: string } | undefined> {
    return problemWith(this.#parts.workspace);
  }

  /** The policy has changed: what its programs are connected to is decided anew. */
  async recheckConnections(): Promise<void> {
    await this.#desktop?.recheckConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new GatewayError("stopped", "the gateway is shutting down"));
    await this.#desktop?.[Symbol.asyncDispose]();
    await this.ready;
    await this.#parts.shell.ended();
    this.#parts.workspace[Symbol.dispose]();
  }

  /** Of an action as such: whether this very application is there is seen with its parameters. */
  #screenFor(action: string): Availability {
    const desktop = this.#desktop;
    if (desktop === undefined) {
      const { reason, hint } = this.#noDesktop ?? NO_SCREEN;
      return { available: false, code: "desktop_unavailable", reason, hint };
    }
    if (action === "app.open") return desktop.programs();
    return NEEDS[action]?.(desktop, {}) ?? { available: true };
  }

  #require(action: string, parameters: Parameters): void {
    const general = this.availability(action);
    const availability =
      general.available && this.#desktop !== undefined && Object.hasOwn(NEEDS, action)
        ? (NEEDS[action]?.(this.#desktop, parameters) ?? general)
        : general;
    requireAvailable(availability);
  }
}
