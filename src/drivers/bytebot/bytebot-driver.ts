import type { Duplex } from "node:stream";
import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type { DaemonAnswer, DaemonRequest } from "../../tasks/agent-guard.ts";
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
import type { AgentRunner } from "./agent/agent-runner.ts";
import { ByteBotDesktop, type DesktopTimes, requireApplication } from "./bytebot-desktop.ts";
import { checkHealth } from "./check-health.ts";
import type { BreakerOptions } from "./circuit-breaker.ts";
import { DaemonClient } from "./daemon-client.ts";
import { namingSetting, URL_SETTING } from "./daemon-error.ts";
import { DaemonQueue, type Rest } from "./daemon-queue.ts";
import { estimateStep } from "./estimate-step.ts";
import { inspectFileAction, isFileAction, performFileAction } from "./file-actions.ts";
import { inspectTyped } from "./inspect-typed.ts";
import { openVnc } from "./open-vnc.ts";

/** Sends one request to the desktop's daemon in its turn; see `GuardedRun.forward`. */
export type Forward = (request: DaemonRequest, signal: AbortSignal) => Promise<DaemonAnswer>;

export interface ByteBotDriverOptions {
  /** Of the desktop daemon. */
  readonly url: string;
  /** undefined: none is sent. */
  readonly apiKey: string | undefined;
  /** Where its URL is set, as hints name it; BYTEBOT_URL unless given. */
  readonly setting?: string;
  /** ms a request may take beyond what its action takes. */
  readonly requestTimeoutMs: number;
  /** How often a read, or what was surely not sent, is tried again. */
  readonly retryAttempts: number;
  /** Makes the runner of `agent.task`; absent: there is no agent. */
  readonly openAgent?: (forward: Forward) => AgentRunner;
  readonly retryPauseMs?: number;
  readonly breaker?: BreakerOptions;
  readonly times?: DesktopTimes;
  /** How the end of an action whose answer was lost is waited for. */
  readonly rest?: Rest;
}

const NO_INSPECTION: Inspection = { bound: {}, riskFactors: [] };
const WITHOUT_DAEMON: Readonly<Record<string, string>> = {
  "fs.list": "ByteBot's desktop daemon cannot list folders",
  "shell.run": "ByteBot's desktop daemon runs no commands",
};

/** Nothing is sent before it is asked for something. */
export function openBytebotDriver(options: ByteBotDriverOptions): Driver {
  return new ByteBotDriver(options);
}

/** Drives one desktop of ByteBot through its daemon, and its agent where there is one. */
class ByteBotDriver implements Driver {
  readonly name = "bytebot";
  readonly #url: string;
  readonly #setting: string;
  readonly #apiKey: string | undefined;
  readonly #client: DaemonClient;
  readonly #queue: DaemonQueue;
  readonly #actions: DesktopActions;
  readonly #agent: AgentRunner | undefined;

  constructor(options: ByteBotDriverOptions) {
    this.#url = options.url;
    this.#setting = options.setting ?? URL_SETTING;
    this.#apiKey = options.apiKey;
    this.#client = new DaemonClient(options);
    this.#queue = new DaemonQueue(this.#client, options.rest);
    this.#actions = new DesktopActions(new ByteBotDesktop(this.#queue, options.times));
    this.#agent = options.openAgent?.((request, signal) => this.#queue.forward(request, signal));
  }

  availability(action: string): Availability {
    if (action === "agent.task") {
      const { hint } = NO_AGENT;
      const none = { ...NO_AGENT, hint: namingSetting(hint, this.#setting) };
      return this.#agent?.availability() ?? none;
    }
    if (action === "wait" || isFileAction(action) || this.#actions.handles(action)) {
      return { available: true };
    }
    return {
      available: false,
      code: "capability_disabled",
      reason: WITHOUT_DAEMON[action] ?? `ByteBot's desktop daemon does not perform ${action}`,
      hint: "Use DRIVER=embedded for it, or another way to the same end.",
    };
  }

  async inspect(
    action: string,
    parameters: Parameters,
    context: InspectContext,
  ): Promise<Inspection> {
    return await this.#naming(() => this.#inspect(action, parameters, context));
  }

  async #inspect(
    action: string,
    parameters: Parameters,
    context: InspectContext,
  ): Promise<Inspection> {
    requireAvailable(this.availability(action));
    if (action === "app.open") requireApplication(text(parameters, "application"));
    if (isFileAction(action)) {
      return await inspectFileAction(this.#queue, action, parameters, context);
    }
    const typed = inspectTyped(action, parameters);
    if (typed !== undefined) return typed;
    return this.#actions.handles(action)
      ? await this.#actions.inspect(action, parameters, context)
      : NO_INSPECTION;
  }

  async perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>> {
    return await this.#naming(() => this.#perform(step, io));
  }

  async #perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>> {
    requireAvailable(this.availability(step.action));
    if (step.action === "agent.task" && this.#agent !== undefined) {
      return await this.#agent.perform(step, io);
    }
    // Waited here: in the daemon it would hold the desktop's line for nothing.
    if (step.action === "wait") return await wait(step.parameters, io);
    if (isFileAction(step.action)) return await performFileAction(this.#queue, step, io);
    return await this.#actions.perform(step, io);
  }

  recover(steps: readonly PlannedStep[]): void {
    const left = steps.map(estimateStep);
    const presses = left.map((estimate) => estimate.presses);
    this.#queue.recover(Math.max(0, ...left.map(({ durationMs }) => durationMs)), presses);
  }

  busy(): { readonly what: string; readonly forMs: number } | undefined {
    const busy = this.#queue.busy();
    if (busy === undefined) return undefined;
    return { what: DOINGS[busy.action] ?? "another action is under way", forMs: busy.forMs };
  }

  async settled(signal: AbortSignal): Promise<void> {
    await this.#queue.settled(signal);
  }

  async openVnc(signal: AbortSignal): Promise<Duplex> {
    return await this.#naming(() => openVnc(this.#url, this.#apiKey, signal));
  }

  async health(): Promise<{ detail: string; hint: string } | undefined> {
    const problem = await checkHealth(this.#client, this.#url, this.#setting);
    if (problem !== undefined) return problem;
    const agent = await this.#agent?.health();
    return agent && { ...agent, hint: namingSetting(agent.hint, this.#setting) };
  }

  /** An operator looks for the setting that a hint names. */
  async #naming<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      const hint = error instanceof GatewayError ? error.extras.hint : undefined;
      if (!(error instanceof GatewayError) || hint === undefined) throw error;
      const named = namingSetting(hint, this.#setting);
      if (named === hint) throw error;
      const extras = { ...error.extras, hint: named };
      throw new GatewayError(error.code, error.detail, extras, error.cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    await this.#queue[Symbol.asyncDispose]();
  }
}

/** What takes long. */
const DOINGS: Readonly<Record<string, string>> = {
  type_text: "a text is being typed, about five characters a second",
  paste_text: "a text is being pasted",
  screenshot: "it takes a picture",
};

const NO_AGENT = {
  available: false,
  code: "capability_disabled",
  reason: "no agent of ByteBot is configured",
  hint: "Set BYTEBOT_AGENT_URL to ByteBot's agent (port 9991).",
} as const;
