import { GatewayError } from "../../../contract/errors.ts";
import type { AgentGuard, GuardedRun } from "../../../tasks/agent-guard.ts";
import type { Availability, StepIo } from "../../../tasks/driver.ts";
import type { PlannedStep } from "../../../tasks/task.ts";
import { throwIfAborted } from "../../step/aborted.ts";
import { requireAvailable } from "../../step/require-available.ts";
import { AgentApi } from "./agent-api.ts";
import { readAgentRequest } from "./agent-request.ts";
import { AgentRun } from "./agent-run.ts";
import type { AgentRunner } from "./agent-runner.ts";
import { chooseModel, requireIdle } from "./create-task.ts";
import { type Timings, USUAL_PACES } from "./timings.ts";

export interface AgentOptions {
  /** The desktop that the agent drives, by its name here. */
  readonly desktop: string;
  /** Of ByteBot's agent: `http://bytebot-agent:9991`. */
  readonly url: string;
  readonly guard: AgentGuard;
  /** The way to the desktop's daemon, in turn with everything else that desktop does. */
  readonly forward: GuardedRun["forward"];
  /** ms one request may take. */
  readonly requestTimeoutMs: number;
  /** How often what has no effect, or was surely not sent, is tried again. */
  readonly retryAttempts: number;
  /** Whether changes are heard of over socket.io too; true unless given. */
  readonly socket?: boolean;
  /** Only tests are in a hurry. */
  readonly timings?: Partial<Timings>;
}

/** Opens the driver of ByteBot's agent. Nothing is sent before it is asked for something. */
export function openAgent(options: AgentOptions): AgentRunner {
  return new ByteBotAgent(options);
}

class ByteBotAgent implements AgentRunner {
  readonly #options: AgentOptions;
  readonly #timings: Timings;
  readonly #api: AgentApi;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#timings = { ...USUAL_PACES, ...options.timings };
    this.#api = new AgentApi(options);
  }

  availability(): Availability {
    return this.#options.guard.availability();
  }

  async perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>> {
    const work = this.#perform(step, io);
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async health(): Promise<{ detail: string; hint: string } | undefined> {
    try {
      await this.#api.probe(this.#closing.signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { detail: error.detail, hint: error.extras.hint ?? "" };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new GatewayError("stopped", "the gateway is shutting down"));
    await Promise.allSettled(this.#running);
    await this.#api[Symbol.asyncDispose]();
  }

  async #perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>> {
    requireAvailable(this.availability());
    const request = readAgentRequest(step.parameters, io.maxFileSize);
    const signal = AbortSignal.any([io.signal, this.#closing.signal]);
    throwIfAborted(signal);
    await requireIdle(this.#api, signal);
    const model = await chooseModel(this.#api, request.model, signal);
    const run = new AgentRun({
      ...this.#options,
      api: this.#api,
      timings: this.#timings,
      socket: this.#options.socket ?? true,
      io,
      signal,
      envelope: request.envelope,
      description: request.task.description,
    });
    return await run.perform({ ...request.task, model: model.model }, model.name);
  }
}
