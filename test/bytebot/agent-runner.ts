import { randomUUID } from "node:crypto";
import type { AgentComputer } from "./agent-computer.ts";
import type { AgentStore } from "./agent-store.ts";
import {
  type AgentStep,
  type AgentTask,
  type Block,
  type DesktopAction,
  PRIORITIES,
  type Status,
} from "./agent-types.ts";

export interface RunnerParts {
  readonly store: AgentStore;
  readonly computer: AgentComputer;
  /** The steps of a task that starts. */
  readonly script: (task: AgentTask) => readonly AgentStep[];
  readonly desktopBaseUrl: () => string;
  /** Milliseconds between two looks for a task. */
  readonly cronMs: number;
  /** Resolves when the desktop tracks what a person does, or no longer does. */
  readonly tracking: () => Promise<void>;
  /** Called when a loop has ended. */
  readonly changed: () => void;
}

interface Script {
  readonly steps: AgentStep[];
  /** How many of them stand in the transcript: what a loop that starts sees as done. */
  said: number;
  /** Called when a step was added. */
  readonly wake: Set<() => void>;
}

/** The task is in another state than the call needs. */
export class WrongStateError extends Error {
  override name = "WrongStateError";
}

/** A pending call of the model was broken off. */
class Interrupt extends Error {
  override name = "BytebotAgentInterrupt";
}

/**
 * The loop of ByteBot's agent (agent.processor.ts, tasks.service.ts and agent.scheduler.ts of commit
 * 99347e2), with the hazards of the original: a takeover breaks off nothing but a pending call of the
 * model, and resume starts a second loop where the first goes on. It is the model too: what it does is
 * the test's script.
 */
export class AgentRunner implements Disposable {
  readonly #parts: RunnerParts;
  readonly #scripts = new Map<string, Script>();
  readonly #cron: NodeJS.Timeout;
  #currentTaskId: string | undefined;
  #isProcessing = false;
  #isStarting = false;
  /** Of the latest iteration, whichever loop began it. */
  #abort = new AbortController();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#cron = setInterval(() => void this.#startNext(), parts.cronMs);
  }

  get isProcessing(): boolean {
    return this.#isProcessing;
  }

  /** Adds to what a task will do; one whose steps are used up waits for more. */
  tell(taskId: string, steps: readonly AgentStep[]): void {
    const script = this.#scripts.get(taskId);
    if (script === undefined) throw new Error("this task has not started");
    script.steps.push(...steps);
    for (const wake of [...script.wake]) wake();
  }

  /** Whichever task was cancelled, the one that runs is interrupted. */
  interrupt(): void {
    this.#abort.abort();
    this.#isProcessing = false;
    this.#currentTaskId = undefined;
  }

  /** Rejects with WrongStateError unless the agent has control. */
  async takeOver(task: AgentTask): Promise<AgentTask> {
    if (task.control !== "ASSISTANT") throw new WrongStateError("is not under agent control");
    const taken = this.#parts.store.update(task, { control: "USER" });
    await this.#trackInput("start");
    if (this.#currentTaskId === task.id && this.#isProcessing) this.#abort.abort();
    return taken;
  }

  /** Rejects with WrongStateError unless a user has control. Any task runs again, a finished one too. */
  async resume(task: AgentTask): Promise<AgentTask> {
    if (task.control !== "USER") throw new WrongStateError("is not under user control");
    const resumed = this.#parts.store.update(task, { control: "ASSISTANT", status: "RUNNING" });
    // In the original its cron could start the task in between, a few milliseconds of every 5 seconds.
    this.#isStarting = true;
    await this.#trackInput("stop");
    this.#isStarting = false;
    if (this.#currentTaskId === task.id && this.#isProcessing) {
      // A loop that goes on is not looked for.
      this.#abort = new AbortController();
      void this.#iterate(task, this.#scriptOf(task).said);
    }
    return resumed;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#cron);
    this.interrupt();
  }

  /** Who has control is not asked; files are written each time a task starts. */
  async #startNext(): Promise<void> {
    if (this.#isProcessing || this.#isStarting) return;
    const [task] = this.#parts.store.tasks
      .filter(({ status }) => status === "RUNNING" || status === "PENDING")
      .sort(
        (one, other) =>
          Number(other.executedAt !== null) - Number(one.executedAt !== null) ||
          PRIORITIES.indexOf(other.priority) - PRIORITIES.indexOf(one.priority),
      );
    if (task === undefined) return;
    this.#isStarting = true;
    await this.#writeFiles(task);
    this.#isStarting = false;
    // It does not look whether the task was ended meanwhile.
    this.#parts.store.update(task, { status: "RUNNING", executedAt: new Date().toISOString() });
    this.#isProcessing = true;
    this.#currentTaskId = task.id;
    void this.#iterate(task, this.#scriptOf(task).said);
  }

  /** One turn of a loop, which does step `index` and starts the next turn. */
  async #iterate(task: AgentTask, index: number): Promise<void> {
    if (!this.#isProcessing) return;
    try {
      if (task.status !== "RUNNING") return this.#end();
      this.#abort = new AbortController();
      const script = this.#scriptOf(task);
      const step = await askModel(script, index, this.#abort.signal);
      script.said = Math.max(script.said, index + 1);
      await this.#perform(task, step);
      if (this.#isProcessing) setImmediate(() => void this.#iterate(task, index + 1));
    } catch (error) {
      // As in the original the task counts as being processed after that.
      if (error instanceof Interrupt) return;
      this.#parts.store.update(task, { status: "FAILED" });
      this.#end();
    }
  }

  #end(): void {
    this.#isProcessing = false;
    this.#currentTaskId = undefined;
    this.#parts.changed();
  }

  #scriptOf(task: AgentTask): Script {
    const known = this.#scripts.get(task.id);
    if (known !== undefined) return known;
    const script: Script = { steps: [...this.#parts.script(task)], said: 0, wake: new Set() };
    this.#scripts.set(task.id, script);
    return script;
  }

  /** File names go into the path as they are. */
  async #writeFiles(task: AgentTask): Promise<void> {
    for (const { name, data } of this.#parts.store.filesOf(task.id)) {
      const action = { action: "write_file", path: `/home/user/Desktop/${name}`, data };
      await this.#parts.computer.send(action, this.#parts.desktopBaseUrl()).catch(() => undefined);
    }
  }

  async #trackInput(what: "start" | "stop"): Promise<void> {
    await this.#parts.tracking();
    const url = `${this.#parts.desktopBaseUrl()}/input-tracking/${what}`;
    await fetch(url, { method: "POST" }).catch(() => undefined);
  }

  async #perform(task: AgentTask, step: AgentStep): Promise<void> {
    const { store } = this.#parts;
    const base = step.via ?? this.#parts.desktopBaseUrl();
    const acts = [...(step.act ? [step.act] : []), ...(step.actsAtOnce ?? [])];
    const uses = acts.map((action) => ({ action, block: toolUse(action) }));
    const said: Block[] = step.say === undefined ? [] : [{ type: "text", text: step.say }];
    if (said.length + uses.length > 0)
      store.say(task.id, "ASSISTANT", [...said, ...uses.map(({ block }) => block)]);
    const results = await Promise.all(
      uses.map(({ action, block }) => this.#parts.computer.use(block.id, action, base)),
    );
    if (results.length > 0) store.say(task.id, "USER", results);
    if (step.createTask !== undefined)
      store.create({ description: step.createTask, model: task.model }, "ASSISTANT");
    for (const [field, [status, word]] of Object.entries(ENDS)) {
      const description = step[field as keyof typeof ENDS];
      if (description !== undefined) await this.#setStatus(task, status, word, description);
    }
    if (step.fail) throw new Error("the model cannot be reached");
  }

  async #setStatus(
    task: AgentTask,
    status: Status,
    word: string,
    description: string,
  ): Promise<void> {
    const { store } = this.#parts;
    const id = `toolu_${randomUUID()}`;
    const input = { status: word, description };
    store.say(task.id, "ASSISTANT", [{ type: "tool_use", id, name: "set_task_status", input }]);
    const content: Block[] = [{ type: "text", text: description }];
    store.say(task.id, "USER", [{ type: "tool_result", tool_use_id: id, content }]);
    const completedAt = status === "COMPLETED" ? new Date().toISOString() : task.completedAt;
    store.update(task, { status, completedAt });
    // It takes itself over; where somebody was quicker that fails, and with it the task.
    if (status === "NEEDS_HELP") {
      await nextTurn();
      await this.takeOver(task);
    }
  }
}

const ENDS = {
  needsHelp: ["NEEDS_HELP", "needs_help"],
  needsReview: ["NEEDS_REVIEW", "needs_review"],
  complete: ["COMPLETED", "completed"],
} as const;

function toolUse({ action, ...input }: DesktopAction) {
  const id = `toolu_${randomUUID()}`;
  return { type: "tool_use", id, name: `computer_${action}`, input } as const;
}

/** The step, once the script has it and its `await` is over. Rejects with Interrupt when it is aborted. */
async function askModel(script: Script, index: number, signal: AbortSignal): Promise<AgentStep> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Interrupt()));
  });
  interrupted.catch(() => undefined);
  for (;;) {
    if (signal.aborted) throw new Interrupt();
    const step = script.steps[index];
    if (step === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      script.wake.add(resolve);
      await Promise.race([promise, interrupted]).finally(() => script.wake.delete(resolve));
      continue;
    }
    const thought = step.await?.catch(() => undefined);
    await Promise.race([thought, interrupted]);
    return step;
  }
}

/** A query of the database, as long as one takes at least. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
