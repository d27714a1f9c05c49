import { GatewayError } from "../../../contract/errors.ts";
import type { GuardedSession } from "../../../tasks/agent-guard.ts";
import type { Instruction } from "../../../tasks/execute/instruction.ts";
import { pause } from "../../step/pause.ts";
import { type AgentTask, isTakenInByteBot, LIVE } from "./agent-answers.ts";
import type { AgentApi } from "./agent-api.ts";

export interface DeskParts {
  readonly api: AgentApi;
  readonly taskId: string;
  readonly session: Pick<GuardedSession, "pause" | "resume">;
  /** ms after which an agent that asks for help does nothing any more. */
  readonly settleMs: number;
  readonly signal: AbortSignal;
  /** Told who has the desktop from now on. */
  readonly onControl: (holder: "user" | "assistant") => Promise<void>;
  /** Called after each: the task may have changed. */
  readonly onDone: () => void;
}

type Handle = (
  service: InstructionService,
  task: AgentTask,
  instruction: Instruction,
) => Promise<void>;

/**
 * Hands what people say to the agent's task, one thing after another. ByteBot would take a finished
 * task over and, on resume, run it again: so nothing is sent once the task was seen to be over, and
 * it is looked at before anything is sent.
 *
 * Who has the desktop is decided at the guard, which holds the agent's requests meanwhile. ByteBot's
 * own takeover stops no loop whose tool runs, and its resume then starts a second one beside it, which
 * does everything twice: it is resumed only where it waits for help, where its loop has ended.
 */
export class InstructionService {
  readonly #parts: DeskParts;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;
  /** A person has the desktop. */
  #isTaken = false;

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

  /** An agent that waits for help goes on with the answer, unless a person has its desktop. */
  async say(task: AgentTask, message: string): Promise<void> {
    const { api, taskId, signal } = this.#parts;
    await api.say(taskId, message, signal);
    if (task.status === "NEEDS_HELP" && !this.#isTaken) await this.#wakeUp();
  }

  async takeOver(task: AgentTask): Promise<void> {
    const { session, onControl } = this.#parts;
    if (this.#isTaken) {
      throw state(
        "a person has the desktop already",
        "POST /tasks/{task_id}/resume gives it back.",
      );
    }
    if (isTakenInByteBot(task)) throw takenInByteBot();
    session.pause();
    this.#isTaken = true;
    try {
      await onControl("user");
    } catch (error) {
      this.#letGoOn();
      throw error;
    }
  }

  async giveBack(task: AgentTask): Promise<void> {
    if (!this.#isTaken) {
      if (isTakenInByteBot(task)) throw takenInByteBot();
      if (task.status !== "NEEDS_HELP") {
        throw state("the agent has the desktop", "Take it over first.");
      }
    }
    if (task.status === "NEEDS_HELP") await this.#wakeUp();
    if (!this.#isTaken) return;
    this.#letGoOn();
    await this.#parts.onControl("assistant");
  }

  #letGoOn(): void {
    this.#isTaken = false;
    this.#parts.session.resume();
  }

  /**
   * Resumes an agent that waits for help. It says that it does a moment before its loop has ended, and
   * in that moment takes itself over: until then a resume starts a second loop, and a takeover fails
   * the task.
   */
  async #wakeUp(): Promise<void> {
    const { api, taskId, settleMs, signal } = this.#parts;
    await pause(settleMs, signal);
    const present = await api.task(taskId, signal);
    if (present?.status !== "NEEDS_HELP") return;
    if (present.control === "ASSISTANT") await api.command(taskId, "takeover", signal);
    await api.command(taskId, "resume", signal);
  }
}

const HANDLERS: Readonly<Record<Instruction["kind"], Handle>> = {
  message: (service, task, instruction) =>
    service.say(task, instruction.kind === "message" ? instruction.message : ""),
  takeover: (service, task) => service.takeOver(task),
  resume: (service, task) => service.giveBack(task),
};

function over(): GatewayError {
  return state("the agent's task is over", "Plan a new one to tell the agent something.");
}

function takenInByteBot(): GatewayError {
  return state(
    "somebody has taken the agent's task over in ByteBot itself, past the gateway",
    "Cancel the task and plan it again: given back there, ByteBot may do everything twice.",
  );
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
