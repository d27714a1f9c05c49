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
}

interface Script {
  readonly steps: AgentStep[];
  next: number;
  /** Called when a step was added. */
  wake: () => void;
}

/** Runs one task at a time. It is the model too: what it does is the test's script. */
export class AgentRunner implements Disposable {
  readonly #parts: RunnerParts;
  readonly #scripts = new Map<string, Script>();
  readonly #cron: NodeJS.Timeout;
  /** The run that goes on; a taken-over task keeps it, so that no other task starts. */
  #current: { readonly taskId: string; readonly abort: AbortController } | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#cron = setInterval(() => this.#startNext(), parts.cronMs);
  }

  /** Adds to what a task will do; one whose steps are used up waits for more. */
  tell(taskId: string, steps: readonly AgentStep[]): void {
    const script = this.#scripts.get(taskId);
    if (script === undefined) throw new Error("this task has not started");
    script.steps.push(...steps);
    script.wake();
  }

  /** As ByteBot does it: whichever task was cancelled, the one that runs is interrupted. */
  interrupt(): void {
    this.#current?.abort.abort();
    this.#current = undefined;
  }

  takeover(task: AgentTask): void {
    if (this.#current?.taskId === task.id) this.#current.abort.abort();
  }

  resume(task: AgentTask): void {
    if (this.#current?.taskId === task.id) void this.#run(task);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#cron);
    this.interrupt();
  }

  #startNext(): void {
    if (this.#current !== undefined) return;
    const [task] = this.#parts.store.tasks
      .filter(({ status }) => status === "RUNNING" || status === "PENDING")
      .filter(({ control }) => control === "ASSISTANT")
      .sort(
        (one, other) =>
          Number(other.executedAt !== null) - Number(one.executedAt !== null) ||
          PRIORITIES.indexOf(other.priority) - PRIORITIES.indexOf(one.priority),
      );
    if (task === undefined) return;
    void this.#run(task);
  }

  async #run(task: AgentTask): Promise<void> {
    const run = { taskId: task.id, abort: new AbortController() };
    this.#current = run;
    const interrupted = new Promise<void>((resolve) => {
      run.abort.signal.addEventListener("abort", () => resolve());
    });
    const first = !this.#scripts.has(task.id);
    const script = this.#scriptOf(task);
    // They come before the task counts as running.
    if (first) await this.#writeFiles(task);
    if (task.status === "PENDING" && !run.abort.signal.aborted) {
      const executedAt = task.executedAt ?? new Date().toISOString();
      this.#parts.store.update(task, { status: "RUNNING", executedAt });
    }
    while (!run.abort.signal.aborted && task.status === "RUNNING") {
      const step = script.steps[script.next];
      const wait = step === undefined ? nextStep(script) : step.await;
      if (wait !== undefined) await Promise.race([wait.catch(() => undefined), interrupted]);
      if (run.abort.signal.aborted) return;
      if (step === undefined) continue;
      script.next += 1;
      await this.#perform(task, step);
    }
    if (this.#current === run && !run.abort.signal.aborted) this.#current = undefined;
  }

  #scriptOf(task: AgentTask): Script {
    const known = this.#scripts.get(task.id);
    if (known !== undefined) return known;
    const script = { steps: [...this.#parts.script(task)], next: 0, wake: () => undefined };
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
      if (description !== undefined) this.#setStatus(task, status, word, description);
    }
    if (step.fail) store.update(task, { status: "FAILED" });
  }

  #setStatus(task: AgentTask, status: Status, word: string, description: string): void {
    const { store } = this.#parts;
    const id = `toolu_${randomUUID()}`;
    const input = { status: word, description };
    store.say(task.id, "ASSISTANT", [{ type: "tool_use", id, name: "set_task_status", input }]);
    const content: Block[] = [{ type: "text", text: description }];
    store.say(task.id, "USER", [{ type: "tool_result", tool_use_id: id, content }]);
    const completedAt = status === "COMPLETED" ? new Date().toISOString() : task.completedAt;
    store.update(task, { status, completedAt });
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

function nextStep(script: Script): Promise<void> {
  return new Promise((resolve) => {
    script.wake = resolve;
  });
}
