import { GatewayError } from "../../contract/errors.ts";
import { digestOf } from "../audit-details.ts";
import type { Task } from "../task.ts";
import type { TaskRepository } from "../task-repository.ts";
import type { Handovers } from "./handovers.ts";
import type { Instruction } from "./instruction.ts";
import type { Runner } from "./runner.ts";

export interface InstructDeps {
  readonly runner: Runner;
  readonly repository: TaskRepository;
  readonly handovers: Handovers;
}

/**
 * Hands an instruction to the step that a task runs, recorded before and after. Throws
 * `state_changed` where the task does not run, `invalid_request` where its step takes none, and what
 * the step answers.
 */
export async function instruct(
  { runner, repository, handovers }: InstructDeps,
  task: Task,
  keyId: string,
  instruction: Instruction,
): Promise<void> {
  const handle = runner.instruct(task.id);
  if (handle === undefined) throw takesNoInstructions(task);
  const details = {
    kind: instruction.kind,
    ...(instruction.kind === "message" && {
      // Salted: what a person tells an agent may be short enough to be guessed.
      message_digest: digestOf([task.plan.salt, instruction.message]),
    }),
  };
  const record = (type: string, outcome: Record<string, unknown>) =>
    repository.change(task.id, () => ({
      transitions: [],
      state: {},
      keyId,
      audit: [{ type, details: { ...details, ...outcome } }],
    }));
  const { desktop } = task.plan;
  const wasHanded = handovers.has(task.id);
  // Before anything else: a person who is about to take the desktop over must find it the agent's.
  if (instruction.kind === "resume") handovers.takeBack(task.id, desktop);
  await record("task.instructed", {});
  try {
    await handle(instruction);
    // Only while it runs: what has ended meanwhile holds its desktop no more.
    const isRunning = runner.instruct(task.id) !== undefined;
    if (instruction.kind === "takeover" && isRunning) handovers.give(task.id);
  } catch (error) {
    if (wasHanded && runner.instruct(task.id) !== undefined) handovers.give(task.id);
    const code = error instanceof GatewayError ? error.code : "outcome_unknown";
    await record("task.instruction_finished", { outcome: code });
    throw error;
  }
  await record("task.instruction_finished", { outcome: "completed" });
}

function takesNoInstructions({ id, state }: Task): GatewayError {
  return state.status === "running"
    ? new GatewayError("invalid_request", `What task ${id} does now takes no instructions.`, {
        hint: "Messages, takeover and resume are for agent.task.",
      })
    : new GatewayError("state_changed", `Task ${id} is ${state.status}, not running.`, {
        hint: "Only an agent that is at work can be told something.",
      });
}
