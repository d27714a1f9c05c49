import type { EventData } from "../../contract/event.ts";
import type { ArtifactKeeper } from "../artifact-keeper.ts";
import type { StepIo } from "../driver.ts";
import { artifactQuota, fileSizeLimit } from "../limits.ts";
import type { Task } from "../task.ts";
import type { TaskRepository } from "../task-repository.ts";
import type { Instruction } from "./instruction.ts";
import { findRunDenial, type PreconditionDeps } from "./preconditions.ts";
import type { ProgressReporter } from "./progress-reporter.ts";
import type { AuditEntry } from "./step-records.ts";

export interface StepIoDeps extends PreconditionDeps {
  readonly repository: TaskRepository;
  readonly artifacts: ArtifactKeeper;
  /** Largest file of any action, bytes. */
  readonly maxFileSize: number;
}

/** Takes what people tell a step while it runs; undefined where it takes nothing. */
export interface InstructionSlot {
  handle: ((instruction: Instruction) => Promise<void>) | undefined;
}

export interface StepIoOptions {
  readonly task: Task;
  readonly index: number;
  readonly action: string;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
  readonly instruct: InstructionSlot;
}

/** What a step may use while it runs. */
export function createStepIo(deps: StepIoDeps, options: StepIoOptions): StepIo {
  const { task, index, action, progress, signal, instruct } = options;
  const policy = deps.policy();
  const maxFileSize = fileSizeLimit(policy, action, deps.maxFileSize);
  return {
    taskId: task.id,
    requester: task.requester,
    targetCheck: policy.target_check,
    signal,
    maxFileSize,
    findDenial: () => findRunDenial(deps, task, index),
    progress: (fraction, message) => progress.report(index, fraction, message),
    record: ({ event, audit }) =>
      record(
        deps.repository,
        task.id,
        event,
        audit && { ...audit, details: { step: index, ...audit.details } },
      ),
    onInstruction: (handle) => {
      instruct.handle = handle;
    },
    keepArtifact: (artifact) =>
      deps.artifacts.keep({
        ...artifact,
        taskId: task.id,
        requester: task.requester,
        owner: task.requester,
        purpose: "result",
        step: index,
        maxSize: maxFileSize,
        quota: artifactQuota(deps.policy()),
      }),
  };
}

/** Something that a step did by itself, while it runs. */
async function record(
  repository: TaskRepository,
  taskId: string,
  event: (EventData & { readonly message: string }) | undefined,
  audit: AuditEntry | undefined,
): Promise<void> {
  await repository.change(taskId, (present) => {
    if (present.state.status !== "running") {
      throw new Error(`${taskId} is ${present.state.status}: nothing happens in it any more`);
    }
    const { progress } = present.state;
    return {
      transitions: [],
      state: event === undefined ? {} : { message: event.message },
      events: event === undefined ? [] : [{ event: "task_progress", data: { progress, ...event } }],
      keyId: null,
      audit: audit === undefined ? [] : [audit],
    };
  });
}
