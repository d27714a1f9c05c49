import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type { Availability, Driver, Inspection, Look, StepIo } from "../../tasks/driver.ts";
import type { PlannedStep } from "../../tasks/task.ts";
import { wait } from "../step/wait.ts";
import { editFile } from "./edit.ts";
import { inspectEdit, inspectWrite } from "./inspect.ts";
import { listDirectory } from "./list.ts";
import { readFile } from "./read.ts";
import { Shell } from "./shell.ts";
import { sweepLeftovers } from "./sweep.ts";
import { openWorld, problemWith, type World } from "./world.ts";
import { writeFile } from "./write.ts";

export interface EmbeddedDriverOptions {
  /** Root of the private world; made where it is missing. */
  readonly workdir: string;
  /** Directories of the gateway (data, configuration, checkout) that no sandbox may ever see. */
  readonly hidden?: readonly string[];
}

interface Parts {
  readonly world: World;
  readonly shell: Shell;
}
type Perform = (parts: Parts, step: PlannedStep, io: StepIo) => Promise<Record<string, unknown>>;
type Inspect = (world: World, parameters: Parameters, maxFileSize: number) => Promise<Inspection>;

const ACTIONS: Readonly<Record<string, Perform>> = {
  "fs.read": ({ world }, { parameters }, io) => readFile(world.root, parameters, io),
  "fs.list": ({ world }, { parameters }, io) => listDirectory(world.root, parameters, io),
  "fs.write": ({ world }, { parameters, bound }, io) => writeFile(world, parameters, bound, io),
  "fs.edit": ({ world }, { parameters, bound }, io) => editFile(world, parameters, bound, io),
  "shell.run": ({ shell }, { parameters }, io) => shell.run(parameters, io),
  wait: (_parts, { parameters }, io) => wait(parameters, io),
};

const INSPECTIONS: Readonly<Record<string, Inspect>> = {
  "fs.write": inspectWrite,
  "fs.edit": inspectEdit,
};

/** Actions on a desktop that has a screen. */
const DESKTOP_ACTION = /^(browser|app|screen|mouse|keyboard)\./;

/** Nothing is bound and nothing shown: what such a step does depends on no state. */
const NO_INSPECTION: Inspection = { bound: {}, raises: [] };

/**
 * Opens the embedded driver on WORKDIR. Throws WorkdirError where that cannot be its world. The
 * sandbox's self-test and the sweep of what a killed run left behind go on after it has opened.
 */
export async function openEmbeddedDriver(options: EmbeddedDriverOptions): Promise<EmbeddedDriver> {
  return new EmbeddedDriver(openWorld(options.workdir), options.hidden ?? []);
}

/** Works on a private world of files under WORKDIR, and runs commands in a sandbox that sees it. */
export class EmbeddedDriver implements Driver {
  readonly name = "embedded";
  /** Resolves when the self-test and the sweep are over: `availability` is settled then. */
  readonly ready: Promise<void>;
  readonly #closing = new AbortController();
  readonly #parts: Parts;

  constructor(world: World, hidden: readonly string[]) {
    const shell = new Shell(world, hidden, this.#closing.signal);
    this.#parts = { world, shell };
    const swept = sweepLeftovers(world.root, this.#closing.signal);
    this.ready = Promise.all([shell.ready, swept]).then(() => {});
  }

  availability(action: string): Availability {
    if (action === "shell.run") return this.#parts.shell.availability();
    if (Object.hasOwn(ACTIONS, action)) return { available: true };
    if (DESKTOP_ACTION.test(action)) {
      return {
        available: false,
        code: "desktop_unavailable",
        reason: "the embedded driver of this version has no screen",
        hint: "This version drives files and commands; a desktop comes with a later one.",
      };
    }
    return {
      available: false,
      code: "capability_disabled",
      reason: `the embedded driver does not perform ${action}`,
      hint: "It takes the agent of ByteBot, which a later version drives.",
    };
  }

  async inspect(action: string, parameters: Parameters, look: Look): Promise<Inspection> {
    this.#require(action);
    if (!Object.hasOwn(INSPECTIONS, action)) return NO_INSPECTION;
    const inspect = INSPECTIONS[action];
    return inspect === undefined
      ? NO_INSPECTION
      : await inspect(this.#parts.world, parameters, look.maxFileSize);
  }

  async perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>> {
    this.#require(step.action);
    const perform = ACTIONS[step.action];
    if (perform === undefined) throw new Error(`${step.action} is available and has no code`);
    return await perform(this.#parts, step, io);
  }

  async health(): Promise<{ detail: string; hint: string } | undefined> {
    return problemWith(this.#parts.world);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new GatewayError("stopped", "the gateway is shutting down"));
    await this.ready;
    await this.#parts.shell.ended();
    this.#parts.world[Symbol.dispose]();
  }

  #require(action: string): void {
    const availability = this.availability(action);
    if (availability.available) return;
    const { code, reason, hint } = availability;
    throw new GatewayError(code, reason, { hint });
  }
}
