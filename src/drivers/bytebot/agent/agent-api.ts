import { GatewayError } from "../../../contract/errors.ts";
import {
  type AgentMessage,
  type AgentModel,
  type AgentTask,
  LIVE,
  readMessages,
  readModels,
  readTask,
  readTaskList,
} from "./agent-answers.ts";
import {
  type AgentAnswer,
  AgentHttp,
  type AgentHttpOptions,
  unexpectedAnswer,
} from "./agent-http.ts";

export type Command = "cancel" | "takeover" | "resume";

export interface NewAgentTask {
  readonly description: string;
  readonly priority: "LOW" | "MEDIUM" | "HIGH" | "URGENT";
  readonly model: Readonly<Record<string, unknown>>;
  readonly files?: readonly {
    readonly name: string;
    readonly base64: string;
    readonly type: string;
    /** bytes */
    readonly size: number;
  }[];
}

/** Messages a page: each may carry a screenshot. ByteBot gives 10 where it is not told. */
const PAGE = 4;
/** Live tasks looked at; an agent has one at a time, and those that wait. */
const LISTED = 50;

/** The agent's REST interface. Errors are AgentHttp's, and `bytebot_error` for other answers. */
export class AgentApi implements AsyncDisposable {
  readonly #http: AgentHttp;

  constructor(options: AgentHttpOptions) {
    this.#http = new AgentHttp(options);
  }

  async models(signal: AbortSignal): Promise<AgentModel[]> {
    const what = "what models there are";
    return read(what, await this.#http.read("/tasks/models", signal), readModels);
  }

  /** Tasks that act, wait for their turn or for help. */
  async liveTasks(signal: AbortSignal): Promise<AgentTask[]> {
    const path = `/tasks?page=1&limit=${LISTED}&statuses=${[...LIVE].join(",")}`;
    const answer = await this.#http.read(path, signal);
    return read("what tasks there are", answer, readTaskList).tasks;
  }

  /** The tasks that act at this moment; asked once, because what is old is worth nothing. */
  async runningTasks(signal: AbortSignal): Promise<{ tasks: AgentTask[]; total: number }> {
    const answer = await this.#http.read("/tasks?page=1&limit=2&statuses=RUNNING", signal, 0);
    return read("which task runs", answer, readTaskList);
  }

  /** undefined: there is no such task any more. */
  async task(id: string, signal: AbortSignal, attempts?: number): Promise<AgentTask | undefined> {
    const answer = await this.#http.read(`/tasks/${id}`, signal, attempts);
    return answer.status === 404 ? undefined : read("how the task is", answer, readTask);
  }

  /**
   * Page `page`, from 0, of the task's messages, oldest first, and whether it is the last one so far.
   * Asked once: whoever follows a task asks again anyway.
   */
  async messages(
    id: string,
    page: number,
    signal: AbortSignal,
  ): Promise<{ messages: AgentMessage[]; isLast: boolean }> {
    const path = `/tasks/${id}/messages?limit=${PAGE}&page=${page + 1}`;
    const answer = await this.#http.read(path, signal, 0);
    const messages = read("what was said", answer, readMessages);
    // An agent that knows no pages gives everything at once.
    const { length } = Array.isArray(answer.body) ? answer.body : [];
    return { messages, isLast: length !== PAGE };
  }

  /** Sent at most once. Rejects with `outcome_unknown` where it may have been created. */
  async create(task: NewAgentTask, signal: AbortSignal): Promise<AgentTask> {
    const answer = await this.#http.send("/tasks", task, signal);
    const created = answer.status === 201 ? readTask(answer.body) : undefined;
    if (created !== undefined) return created;
    if (answer.status === 413) {
      throw new GatewayError("bytebot_error", "the files are more than ByteBot's agent takes", {
        hint: "Give it fewer or smaller files.",
      });
    }
    const refused = answer.status >= 400 && answer.status < 500;
    if (refused) throw unexpectedAnswer("the new task", answer);
    throw new GatewayError(
      "outcome_unknown",
      `ByteBot's agent answers ${answer.status} to the new task, which may have been created`,
      { hint: "Its own log says why; look at its tasks before planning this again." },
    );
  }

  async say(id: string, message: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#http.send(`/tasks/${id}/messages`, { message }, signal);
    if (answer.status !== 201) throw refusal("the message", answer);
  }

  async command(id: string, command: Command, signal: AbortSignal): Promise<void> {
    const answer = await this.#http.send(`/tasks/${id}/${command}`, {}, signal);
    if (answer.status !== 200 && answer.status !== 201) throw refusal(command, answer);
  }

  /** Resolves where an agent answers as ByteBot's does. */
  async probe(signal: AbortSignal): Promise<void> {
    const answer = await this.#http.read("/tasks?page=1&limit=1&statuses=RUNNING", signal, 0);
    read("which task runs", answer, readTaskList);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
  }
}

function read<Value>(
  what: string,
  answer: AgentAnswer,
  reader: (body: unknown) => Value | undefined,
): Value {
  const value = answer.status === 200 ? reader(answer.body) : undefined;
  if (value === undefined) throw unexpectedAnswer(what, answer);
  return value;
}

function refusal(what: string, answer: AgentAnswer): GatewayError {
  if (answer.status !== 400 && answer.status !== 404) return unexpectedAnswer(what, answer);
  return new GatewayError(
    "state_changed",
    `ByteBot's agent takes no ${what} in its present state`,
    {
      hint: "GET /tasks/{task_id} says how the task is.",
    },
  );
}
