import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Parameters } from "../../../../../src/contract/task.ts";
import type { AgentEvent } from "../../../../../src/drivers/bytebot/agent/agent-event.ts";
import type { AgentRunner } from "../../../../../src/drivers/bytebot/agent/agent-runner.ts";
import {
  type AgentOptions as DriverOptions,
  openAgent,
} from "../../../../../src/drivers/bytebot/agent/open-agent.ts";
import type {
  AgentGuard,
  GuardedRun,
  GuardedSession,
} from "../../../../../src/tasks/agent-guard.ts";
import type { Availability, StepIo } from "../../../../../src/tasks/driver.ts";
import type { Instruction } from "../../../../../src/tasks/execute/instruction.ts";
import type { PlannedStep } from "../../../../../src/tasks/task.ts";
import { type Agent, type AgentOptions, startAgent } from "../../../../bytebot/agent.ts";
import type { AgentTask } from "../../../../bytebot/agent-types.ts";
import { Watch } from "../../../../bytebot/watch.ts";
import { ioOf } from "../../step/fixtures.ts";

// What the tests of the agent driver share; nothing else imports it.

/** 1×1, and each of another colour: the trailing byte makes them different files. */
export function png(byte = 0): string {
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  return Buffer.concat([Buffer.from(pixel, "base64"), Buffer.of(byte)]).toString("base64");
}

/** A guard with a door of its own that lets everything through that the run lets through. */
export class FakeGuard implements AgentGuard, AsyncDisposable {
  state: Availability = { available: true };
  readonly passed: string[] = [];
  readonly refused: string[] = [];
  /** Requests that wait until it goes on. */
  held = 0;
  /** What its session was told, in order. */
  readonly calls: string[] = [];
  readonly #watch = new Watch();
  readonly #server = createServer((request, response) => {
    // Such as /input-tracking/start: no action.
    if (request.url !== "/computer-use") return void request.socket.destroy();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { action } = JSON.parse(Buffer.concat(chunks).toString()) as { action: string };
      void this.#agentDenial().then((agentDenial) => {
        if (agentDenial !== undefined) {
          this.refused.push(agentDenial);
          request.socket.destroy();
        } else {
          this.passed.push(action);
          const body = action === "screenshot" ? JSON.stringify({ image: png(this.#shots++) }) : "";
          response.writeHead(201).end(body);
        }
        this.#watch.changed();
      });
    });
  });
  #run: GuardedRun | undefined;
  #shots = 0;
  #gate: PromiseWithResolvers<void> | undefined;
  #requests = 0;

  get run(): GuardedRun | undefined {
    return this.#run;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  availability(): Availability {
    return this.state;
  }

  begin(run: GuardedRun): GuardedSession {
    this.#run = run;
    this.#note("begin");
    const guard = this;
    return {
      get requests() {
        return guard.#requests;
      },
      missed: undefined,
      pause: () => {
        this.#gate = Promise.withResolvers();
        this.#note("pause");
      },
      resume: () => {
        this.#gate?.resolve();
        this.#gate = undefined;
        this.#note("resume");
      },
      [Symbol.dispose]: () => {
        this.#run = undefined;
        this.#note("end");
      },
    };
  }

  waitFor<Found>(predicate: (guard: this) => Found | false | undefined | null): Promise<Found> {
    return this.#watch.waitFor(() => predicate(this));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #agentDenial(): Promise<string | undefined> {
    this.#requests++;
    if (this.#run === undefined) return "no session";
    if (this.#gate !== undefined) {
      this.held++;
      this.#watch.changed();
      await this.#gate.promise;
      this.held--;
    }
    return await this.#run.findAgentDenial(AbortSignal.timeout(5000));
  }

  #note(call: string): void {
    this.calls.push(call);
    this.#watch.changed();
  }
}

export interface Stage extends AsyncDisposable {
  readonly agent: Agent;
  readonly guard: FakeGuard;
  readonly driver: AgentRunner;
  /** Starts `agent.task`. */
  start(parameters?: Parameters, io?: StepIo): Performance;
}

export interface Performance {
  readonly result: Promise<Record<string, unknown>>;
  /** What was recorded as the events' `agent`. */
  readonly events: AgentEvent[];
  readonly messages: string[];
  readonly kept: { readonly name: string; readonly mediaType: string }[];
  readonly records: { event?: { message: string; agent: AgentEvent }; audit?: unknown }[];
  /** Hands an instruction on as soon as the step takes one. */
  instruct(instruction: Instruction): Promise<void>;
  abort(reason: Error): void;
  event<Kind extends AgentEvent["kind"]>(kind: Kind): Promise<Extract<AgentEvent, { kind: Kind }>>;
  /** Resolves once such a record was made. */
  recorded(isWanted: (record: Performance["records"][number]) => boolean): Promise<unknown>;
  /** The task in ByteBot. */
  task(): Promise<AgentTask>;
}

export const ENVELOPE = {
  actions: ["mouse.click", "screen.capture"],
  applications: [],
  paths: [],
  max_actions: 100,
  max_duration_s: 60,
};

/** A stand-in agent whose desktop is a fake guard, and the driver of both. */
export async function setStage(
  script: AgentOptions["script"] = [],
  options: Partial<DriverOptions> & { latency?: number } = {},
): Promise<Stage> {
  const guard = await new FakeGuard().listen();
  const agent = await startAgent({ desktopBaseUrl: guard.url, script, latency: 0, cronMs: 5 });
  const driver = openAgent({
    desktop: "bytebot",
    url: agent.url,
    guard,
    forward: async () => ({ status: 201 }),
    requestTimeoutMs: 2000,
    retryAttempts: 2,
    ...options,
    timings: {
      pollMs: 20,
      checkMs: 40,
      gapMs: 2,
      lostAfterMs: 300,
      stopMs: 1500,
      settleMs: 50,
      ...options.timings,
    },
  });
  return {
    agent,
    guard,
    driver,
    start: (parameters, io) => start(agent, driver, parameters, io),
    async [Symbol.asyncDispose]() {
      agent.clearFaults();
      await driver[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
      await guard[Symbol.asyncDispose]();
    },
  };
}

function stepOf(parameters: Parameters = {}): PlannedStep {
  const whole = {
    description: "Order paper",
    priority: "medium",
    envelope: ENVELOPE,
    ...parameters,
  };
  return { action: "agent.task", parameters: whole, risk: "high", bound: {} };
}

function start(
  agent: Agent,
  driver: AgentRunner,
  parameters: Parameters | undefined,
  given: StepIo | undefined,
): Performance {
  const controller = new AbortController();
  const plain = ioOf({ signal: controller.signal });
  const watch = new Watch();
  const records: Performance["records"] = [];
  let handle: ((instruction: Instruction) => Promise<void>) | undefined;
  const io: StepIo = {
    ...plain,
    record: async (entry) => {
      await given?.record(entry);
      records.push(entry as Performance["records"][number]);
      watch.changed();
    },
    onInstruction: (taken) => {
      handle = taken;
      watch.changed();
    },
  };
  const eventsOf = () => records.flatMap(({ event }) => (event ? [event.agent] : []));
  const result = driver.perform(stepOf(parameters), io);
  // What a test does not look at in time must not count as unhandled.
  result.catch(() => {});
  return {
    result,
    get events() {
      return eventsOf();
    },
    get messages() {
      return records.flatMap(({ event }) => (event ? [event.message] : []));
    },
    kept: plain.kept,
    records,
    instruct: async (instruction) => {
      const instruct = await watch.waitFor(() => handle);
      await instruct(instruction);
    },
    abort: (reason) => controller.abort(reason),
    event: <Kind extends AgentEvent["kind"]>(kind: Kind) =>
      watch.waitFor(() =>
        eventsOf().find(
          (event): event is Extract<AgentEvent, { kind: Kind }> => event.kind === kind,
        ),
      ),
    recorded: (isWanted) => watch.waitFor(() => records.find(isWanted)),
    task: () => agent.waitFor(({ tasks }) => tasks.at(-1)),
  };
}
