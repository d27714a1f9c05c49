import type { IncomingMessage, ServerResponse } from "node:http";
import { AgentComputer, type SentAction } from "./agent-computer.ts";
import { answerRest, routeOf } from "./agent-rest.ts";
import { AgentRunner } from "./agent-runner.ts";
import { AgentSockets } from "./agent-sockets.ts";
import { AgentStore } from "./agent-store.ts";
import type { AgentMessage, AgentStep, AgentTask, DesktopAction } from "./agent-types.ts";
import { type Answer, resetConnection, sendAnswer } from "./answer.ts";
import { Fault, type FaultOptions, Faults } from "./faults.ts";
import { AuthGate } from "./gate.ts";
import { makePause } from "./pause.ts";
import { type Fields, readBody } from "./request-body.ts";
import { Watch } from "./watch.ts";

/** What a task will do: the same for each, or by its description. */
export type AgentScript = readonly AgentStep[] | ((task: AgentTask) => readonly AgentStep[]);

export interface AgentOptions {
  /** Where actions go: a daemon's URL, or a guard's. */
  readonly desktopBaseUrl: string;
  readonly script?: AgentScript;
  /** Between two looks for a task; ByteBot's 5 seconds shortened to 20 unless given. */
  readonly cronMs?: number;
  /** Of the pause between an action and its screenshot. */
  readonly latency?: "real" | number;
}

export interface AgentRequest {
  /** `POST /tasks/:id/cancel`. */
  readonly route: string;
  readonly id: string;
  readonly body: Fields;
  readonly authorization: string | undefined;
}

/** Starts a stand-in for ByteBot's agent on a free port of loopback: REST and socket.io. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const agent = new Agent(options);
  await agent.listenAgain();
  return agent;
}

export class Agent implements AsyncDisposable {
  desktopBaseUrl: string;
  /** Of tasks that start from now on. */
  script: AgentScript;
  readonly requests: AgentRequest[] = [];
  readonly #watch = new Watch();
  readonly #faults = new Faults();
  readonly #computer: AgentComputer;
  readonly #store: AgentStore;
  readonly #runner: AgentRunner;
  readonly #door: AuthGate;
  #tracking: PromiseWithResolvers<void> | undefined;
  readonly #sockets: AgentSockets;

  constructor(options: AgentOptions) {
    this.desktopBaseUrl = options.desktopBaseUrl;
    this.script = options.script ?? [];
    const pause = makePause(options.latency);
    this.#computer = new AgentComputer(
      () => pause(750),
      () => this.#watch.changed(),
    );
    this.#door = new AuthGate((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
    this.#sockets = new AgentSockets(this.#door.server, () => this.#watch.changed());
    this.#store = new AgentStore(this.#sockets);
    this.#runner = new AgentRunner({
      store: this.#store,
      computer: this.#computer,
      script: (task) => (typeof this.script === "function" ? this.script(task) : this.script),
      desktopBaseUrl: () => this.desktopBaseUrl,
      cronMs: options.cronMs ?? 20,
      tracking: async () => await this.#tracking?.promise,
      changed: () => this.#watch.changed(),
    });
  }

  get url(): string {
    return this.#door.url;
  }

  get tasks(): readonly AgentTask[] {
    return this.#store.tasks;
  }

  /** Every action that was sent, with the status it was answered. */
  get sent(): readonly SentAction[] {
    return this.#computer.sent;
  }

  /** How many sockets are in a task's room. */
  listeners(taskId: string): number {
    return this.#sockets.listeners(taskId);
  }

  /** The transcript of a task, in order. */
  messagesOf(taskId: string): readonly AgentMessage[] {
    return this.#store.messagesOf(taskId);
  }

  /** Adds steps to a task that has started; one without steps left waits for them. */
  tell(taskId: string, ...steps: AgentStep[]): void {
    this.#runner.tell(taskId, steps);
  }

  /** A task as someone else, or the agent itself, makes it beside ours. */
  createTask(description: string): AgentTask {
    return this.#store.create({ description, model: {} }, "ASSISTANT");
  }

  /** Whether a loop goes on, or one that was broken off is to be resumed. */
  get isProcessing(): boolean {
    return this.#runner.isProcessing;
  }

  /** From now on every takeover and resume waits, half done, for the desktop to track a person's input. */
  holdInputTracking(): void {
    this.#tracking = Promise.withResolvers();
  }

  releaseInputTracking(): void {
    this.#tracking?.resolve();
    this.#tracking = undefined;
  }

  /** Sends an action that belongs to no task. Rejects if the connection breaks. */
  act(action: DesktopAction): Promise<{ status: number; text: string }> {
    return this.#computer.send(action, this.desktopBaseUrl);
  }

  waitFor<Found>(predicate: (agent: this) => Found | false | undefined | null): Promise<Found> {
    return this.#watch.waitFor(() => predicate(this));
  }

  /** `action` is a route: `POST /tasks/:id/cancel`. REST down: `{with: "reset", times: Infinity}`. */
  fail(options: FaultOptions): Fault {
    if (options.with !== "refuse_connection") return this.#faults.add(options);
    void this.stopListening();
    return new Fault(options);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Only REST works from now on. */
  stopSockets(): void {
    this.#sockets.stop();
  }

  startSockets(): void {
    this.#sockets.start();
  }

  stopListening(): Promise<void> {
    return this.#door.stopListening();
  }

  listenAgain(): Promise<void> {
    return this.#door.listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#runner[Symbol.dispose]();
    this.releaseInputTracking();
    this.#faults.clear();
    this.#sockets[Symbol.dispose]();
    await this.#door[Symbol.asyncDispose]();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("access-control-allow-origin", "*");
    const body = await readBody(request);
    const called = routeOf(request);
    const { route, id } = called;
    this.requests.push({ route, id, body, authorization: request.headers.authorization });
    this.#watch.changed();
    const fault = this.#faults.take(route);
    const answer = await this.#answer(called, body, response, fault);
    if (answer !== undefined) await sendAnswer(response, answer, fault);
  }

  async #answer(
    called: ReturnType<typeof routeOf>,
    body: Fields,
    response: ServerResponse,
    fault: Fault | undefined,
  ): Promise<Answer | undefined> {
    const status = fault?.status;
    if (status !== undefined) return { status, body: { statusCode: status, message: "failing" } };
    if (fault?.kind === "reset") return void resetConnection(response);
    if (fault?.kind === "hang") await fault.released;
    const answer = await answerRest({ store: this.#store, runner: this.#runner }, called, body);
    if (fault?.kind === "hang_after_effect") await fault.released;
    return answer;
  }
}
