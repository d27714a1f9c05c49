import { GatewayError } from "../../../contract/errors.ts";
import type { GuardedSession } from "../../../tasks/agent-guard.ts";
import type { Instruction } from "../../../tasks/instruction.ts";
import { type AgentTask, LIVE } from "./agent-answers.ts";
import type { AgentApi } from "./agent-api.ts";

export interface DeskParts {
  readonly api: AgentApi;
  readonly taskId: string;
  readonly session: Pick<GuardedSession, "pause" | "resume">;
  readonly signal: AbortSignal;
  /** Called after each: the task may have changed. */
  readonly onDone: () => void;
}

type Handle = (desk: InstructionDesk, task: AgentTask, instruction: Instruction) => Promise<void>;

/**
 * Hands what people say to the agent's task, one thing after another. ByteBot would take a finished
 * task over and, on resume, run it again: so nothing is sent once the task was seen to be over, and
 * it is looked at before anything is sent.
 */
export class InstructionDesk {
  readonly #parts: DeskParts;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;
  #isPaused = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** None is under way. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Takes no more from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Resolves when those that are under way are over. */
  async settled(): Promise<void> {
    await this.#queue;
  }

  /** Rejects with `state_changed`, `bytebot_error` or `bytebot_unavailable`. */
  async handle(instruction: Instruction): Promise<void> {
    this.#waiting++;
    const turn = this.#queue.then(() => this.#perform(instruction));
    this.#queue = turn
      .catch(() => {})
      .then(() => {
        this.#waiting--;
        this.#parts.onDone();
      });
    await turn;
  }

  async #perform(instruction: Instruction): Promise<void> {
    const { api, taskId, signal } = this.#parts;
    const task = this.#isClosed ? undefined : await api.task(taskId, signal);
    if (task === undefined || !LIVE.has(task.status) || this.#isClosed) throw over();
    try {
      await HANDLERS[instruction.kind](this, task, instruction);
    } catch (error) {
      throw error instanceof GatewayError && error.code === "outcome_unknown" ? lost(error) : error;
    }
  }

  /** An agent that waits for help goes on once it was given back, not because it was answered. */
  async say(task: AgentTask, message: string): Promise<void> {
    const { api, taskId, signal } = this.#parts;
    await api.say(taskId, message, signal);
    if (task.status !== "NEEDS_HELP" || task.control === "USER") return;
    const present = await api.task(taskId, signal);
    if (present?.status !== "NEEDS_HELP") return;
    if (present.control === "ASSISTANT") await api.command(taskId, "takeover", signal);
    await api.command(taskId, "resume", signal);
  }

  async takeOver(task: AgentTask): Promise<void> {
    const { api, taskId, session, signal } = this.#parts;
    if (task.control === "USER") {
      throw state(
        "a person has the desktop already",
        "POST /tasks/{task_id}/resume gives it back.",
      );
    }
    const wasPaused = this.#isPaused;
    // The guard first: what the agent does while ByteBot makes up its mind is refused.
    session.pause();
    this.#isPaused = true;
    try {
      await api.command(taskId, "takeover", signal);
    } catch (error) {
      const isOpen = error instanceof GatewayError && error.code === "outcome_unknown";
      if (!isOpen && !wasPaused) this.#goOn();
      throw error;
    }
  }

  async giveBack(task: AgentTask): Promise<void> {
    const { api, taskId, signal } = this.#parts;
    // Paused although the agent has the desktop: the answer to a takeover was lost.
    if (task.control === "ASSISTANT" && !this.#isPaused) {
      throw state("the agent has the desktop", "Take it over first.");
    }
    if (task.control === "USER") await api.command(taskId, "resume", signal);
    this.#goOn();
  }

  #goOn(): void {
    this.#isPaused = false;
    this.#parts.session.resume();
  }
}

const HANDLERS: Readonly<Record<Instruction["kind"], Handle>> = {
  message: (desk, task, instruction) =>
    desk.say(task, instruction.kind === "message" ? instruction.message : ""),
  takeover: (desk, task) => desk.takeOver(task),
  resume: (desk, task) => desk.giveBack(task),
};

function over(): GatewayError {
  return state("the agent's task is over", "Plan a new one to tell the agent something.");
}

function state(detail: string, hint: string): GatewayError {
  return new GatewayError("state_changed", detail, { hint });
}

function lost(cause: GatewayError): GatewayError {
  return new GatewayError(
    "bytebot_error",
    "the connection to ByteBot's agent broke before it answered",
    { hint: "It may have got it: look at the task's events before saying it again." },
    cause,
  );
}
