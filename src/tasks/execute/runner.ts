import type { TaskError, TaskStatus } from "../../contract/task.ts";
import type { Task } from "../task.ts";
import { completion } from "./event-result.ts";
import type { Handovers } from "./handovers.ts";
import type { Instruction } from "./instruction.ts";
import { Interruption, stepError } from "./interruption.ts";
import { findRevocation, findStartDenial, type PreconditionDeps } from "./preconditions.ts";
import { ProgressReporter } from "./progress-reporter.ts";
import { createStepIo, type InstructionSlot, type StepIoDeps } from "./step-io.ts";
import { type AuditEntry, finishedStep, intentOf } from "./step-records.ts";

export interface RunnerDeps extends PreconditionDeps, StepIoDeps {
  readonly handovers: Handovers;
  /** Called with what went wrong unexpectedly; the task itself only says that it did. */
  readonly onError: (error: unknown, taskId: string) => void;
}

/** ms between tries to write down an outcome that the disk refused. */
const RETRY_MS = 500;

interface Running {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  /** Acts no more; its outcome may be still to be written down. */
  readonly halted: PromiseWithResolvers<void>;
  /** Of the present step. */
  readonly instruct: InstructionSlot;
}

/** What the steps of one run share. */
interface Run {
  readonly results: Record<string, unknown>[];
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
  readonly instruct: InstructionSlot;
}

/** Why a step ended the task. */
interface EarlyEnd {
  readonly status: TaskStatus;
  readonly keyId: string | null;
  readonly error: TaskError;
  /** Its intent is recorded. */
  readonly hasBegun: boolean;
}

/** How a step's error ends the task, where it has not simply failed. */
const ENDINGS: Partial<Record<TaskError["code"], TaskStatus>> = {
  outcome_unknown: "interrupted",
  // What the task stands on was taken back: a key, a grant, work altogether.
  task_cancelled: "cancelled",
  stopped: "cancelled",
};

/** Runs the steps of a task that stands at `running`, in order, each at most once. */
export class Runner {
  readonly #deps: RunnerDeps;
  readonly #running = new Map<string, Running>();

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Resolves when the outcome is written down. `task` has just been moved to `running`. */
  run(task: Task): Promise<void> {
    const controller = new AbortController();
    const seconds = this.#deps.policy().security.max_task_duration_s;
    const timer = setTimeout(() => {
      const detail = `The task ran longer than security.max_task_duration_s (${seconds} s).`;
      controller.abort(new Interruption("timeout", null, detail));
    }, seconds * 1000);
    const instruct: InstructionSlot = { handle: undefined };
    const halted = Promise.withResolvers<void>();
    const ended = this.#run(task, controller.signal, instruct).finally(() => {
      clearTimeout(timer);
      halted.resolve();
      this.#running.delete(task.id);
      this.#deps.handovers.forget(task.id);
    });
    this.#running.set(task.id, { controller, ended, halted, instruct });
    return ended;
  }

  /** Makes a running task end; resolves once it has. Undefined where it does not run. */
  interrupt(taskId: string, interruption: Interruption): Promise<void> | undefined {
    const running = this.#running.get(taskId);
    running?.controller.abort(interruption);
    return running?.ended;
  }

  /** Resolves when a task acts no more, whether or not that is written down. */
  async halted(taskId: string): Promise<void> {
    await this.#running.get(taskId)?.halted.promise;
  }

  /**
   * What hands instructions to the present step of a task, or undefined where it takes none. It
   * rejects with what the person is answered.
   */
  instruct(taskId: string): ((instruction: Instruction) => Promise<void>) | undefined {
    return this.#running.get(taskId)?.instruct.handle;
  }

  runningIds(): string[] {
    return [...this.#running.keys()];
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
  }

  async #run(task: Task, signal: AbortSignal, instruct: InstructionSlot): Promise<void> {
    const { plan } = task;
    const progress = new ProgressReporter(this.#deps.repository, task.id, plan.steps.length);
    const results: Record<string, unknown>[] = [];
    for (const [index, step] of plan.steps.entries()) {
      const end = await this.#perform(task, index, { results, progress, signal, instruct });
      instruct.handle = undefined;
      if (end === undefined) continue;
      await progress.flush();
      const { status, keyId, error } = end;
      const details = { step: index, action: step.action, outcome: error.code };
      return this.#end(task, results, {
        status,
        keyId,
        error,
        // What has not begun has no outcome: that of the step before it is still to be recorded.
        outcome: end.hasBegun
          ? { type: "step.finished", details }
          : finishedStep(plan, index - 1, results[index - 1]),
      });
    }
    await progress.flush();
    const last = plan.steps.length - 1;
    return this.#end(task, results, {
      status: "completed",
      keyId: null,
      error: null,
      outcome: finishedStep(plan, last, results[last]),
    });
  }

  /** One step: checks, intent, action. Resolves with why it ended the task, if it did. */
  async #perform(task: Task, index: number, run: Run): Promise<EarlyEnd | undefined> {
    const { plan } = task;
    const step = plan.steps[index];
    if (step === undefined) return undefined;
    const { desktops, capabilities, onError } = this.#deps;
    const readOnly = capabilities.get(step.action)?.readOnly ?? false;
    // The intent of the first is recorded with the start.
    let hasBegun = index === 0;
    try {
      if (index > 0) {
        run.signal.throwIfAborted();
        const denial = findStartDenial(this.#deps, task, index);
        if (denial !== undefined) throw denial;
        await this.#recordNext(task, index, run.results[index - 1]);
        hasBegun = true;
        run.signal.throwIfAborted();
      }
      const revocation = findRevocation(this.#deps, task);
      if (revocation !== undefined) throw revocation;
      const driver = desktops.get(plan.desktop)?.driver;
      if (driver === undefined) throw new Error(`desktop ${plan.desktop} is gone`);
      run.results.push(
        await driver.perform(
          step,
          createStepIo(this.#deps, { ...run, task, index, action: step.action }),
        ),
      );
      return undefined;
    } catch (error) {
      const reason: unknown = run.signal.aborted ? run.signal.reason : error;
      if (reason instanceof Interruption) {
        const { status, keyId } = reason;
        return { status, keyId, error: reason.error(index), hasBegun };
      }
      const shown = stepError(error, index, readOnly);
      if (shown.code === "internal_error" || shown.code === "outcome_unknown")
        onError(error, task.id);
      return { status: ENDINGS[shown.code] ?? "failed", keyId: null, error: shown, hasBegun };
    }
  }

  /** Between two steps: the outcome of one and the intent of the next, committed as one. */
  async #recordNext(
    task: Task,
    index: number,
    previous: Record<string, unknown> | undefined,
  ): Promise<void> {
    const { plan } = task;
    const progress = Math.floor((index / plan.steps.length) * 100);
    const message = `Step ${index + 1} of ${plan.steps.length}: ${task.notes.steps[index]?.summary ?? ""}`;
    await this.#deps.repository.change(task.id, (present) => ({
      transitions: [],
      state: { progress: Math.max(progress, present.state.progress), message },
      events: [{ event: "task_progress", data: { progress, message } }],
      keyId: null,
      audit: [
        finishedStep(plan, index - 1, previous),
        intentOf(this.#deps.capabilities, plan, index),
      ],
    }));
  }

  /** Writes the outcome down, however long the disk refuses: an effect must not lose its record. */
  async #end(
    task: Task,
    results: readonly Record<string, unknown>[],
    end: { status: TaskStatus; keyId: string | null; error: TaskError | null; outcome: AuditEntry },
  ): Promise<void> {
    this.#running.get(task.id)?.halted.resolve();
    const result = task.plan.steps.length === 1 ? (results[0] ?? null) : { steps: results };
    const data = end.error === null ? completion(task.id, result) : { error: end.error };
    for (;;) {
      try {
        await this.#deps.repository.conclude(task.id, {
          transitions: [end.status],
          state: { result, error: end.error, ...(end.error === null && { progress: 100 }) },
          data,
          keyId: end.keyId,
          audit: [
            end.outcome,
            {
              type: `task.${end.status}`,
              details: {
                plan_digest: task.digest,
                ...(end.error?.code === "plan_corrupted" && {
                  code: end.error.code,
                  reason: end.error.detail,
                }),
              },
            },
          ],
        });
        return;
      } catch (error) {
        this.#deps.onError(error, task.id);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}
