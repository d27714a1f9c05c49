import { GatewayError } from "../../../contract/errors.ts";
import type { Envelope } from "../../../contract/policy.ts";
import { sha256 } from "../../../lib/canonical.ts";
import type { AgentGuard, ApprovedFile, GuardedRun } from "../../../tasks/agent-guard.ts";
import type { StepIo } from "../../../tasks/driver.ts";
import { abortError } from "../../step/aborted.ts";
import type { AgentStatus, AgentTask } from "./agent-answers.ts";
import type { AgentApi, NewAgentTask } from "./agent-api.ts";
import { shortLine } from "./agent-event.ts";
import { type TaskWatch, watchTask } from "./agent-socket.ts";
import { createTask } from "./create-task.ts";
import { endOnce, findAgentDenial, findFileDenial } from "./guarded-run.ts";
import { InstructionService } from "./instruction-service.ts";
import { MessageReporter } from "./message-reporter.ts";
import { stopTask } from "./stop-task.ts";
import { TaskFollower } from "./task-follower.ts";
import type { Timings } from "./timings.ts";

export interface AgentRunParts {
  readonly api: AgentApi;
  readonly desktop: string;
  readonly url: string;
  readonly guard: AgentGuard;
  readonly forward: GuardedRun["forward"];
  readonly socket: boolean;
  readonly timings: Timings;
  readonly io: StepIo;
  readonly signal: AbortSignal;
  readonly envelope: Envelope;
  /** Of the task, as its requester wrote it. */
  readonly description: string;
}

/** How the result calls the ends that are one. */
const OUTCOMES: Partial<Record<AgentStatus, string>> = {
  COMPLETED: "completed",
  NEEDS_REVIEW: "needs_review",
};

const ENDS: Partial<Record<AgentStatus, string>> = {
  FAILED: "failed",
  CANCELLED: "was cancelled in ByteBot",
};

/** Where the agent puts the files of its task. */
const FILES_FOLDER = "/home/user/Desktop";

function approvedFiles(files: NonNullable<NewAgentTask["files"]>): ApprovedFile[] {
  return files.map(({ name, base64 }) => ({
    path: `${FILES_FOLDER}/${name}`,
    sha256: sha256(Buffer.from(base64, "base64")),
  }));
}

/** One task of the agent: guarded before it exists, followed, and never left behind live. */
export class AgentRun {
  readonly #parts: AgentRunParts;
  readonly #limit = new AbortController();
  readonly #signal: AbortSignal;
  readonly #reporter: MessageReporter;

  constructor(parts: AgentRunParts) {
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.signal, this.#limit.signal]);
    this.#reporter = new MessageReporter(parts.io, parts.description);
  }

  async perform(task: NewAgentTask, model: string): Promise<Record<string, unknown>> {
    const { api, desktop, envelope, guard, forward, io, timings } = this.#parts;
    const created = Promise.withResolvers<string | undefined>();
    const session = guard.begin({
      desktop,
      envelope,
      files: approvedFiles(task.files ?? []),
      io,
      findAgentDenial: (signal) => findAgentDenial(api, created.promise, signal),
      findFileDenial: (signal) => findFileDenial(api, created.promise, signal),
      forward,
    });
    const endSession = endOnce(session);
    this.#signal.addEventListener("abort", endSession, { once: true });
    const timer = this.#startClock(envelope.max_duration_s);
    let ours: AgentTask | undefined;
    try {
      ours = await createTask(api, task, timings, this.#signal);
      await this.#recordStart(ours, model);
      created.resolve(ours.id);
      const end = await this.#follow(ours, session);
      return this.#resultOf(end);
    } catch (error) {
      endSession();
      const isAborted = this.#signal.aborted;
      // Instructions that are still under way must not outlive the task.
      this.#limit.abort(error);
      if (ours !== undefined && !(await stopTask(api, ours.id, timings))) throw notStopped(error);
      // Whatever broke because of the abort, the abort is why.
      throw isAborted && !isUnknown(error) ? abortError(this.#signal) : error;
    } finally {
      clearTimeout(timer);
      created.resolve(undefined);
      endSession();
      this.#signal.removeEventListener("abort", endSession);
    }
  }

  #startClock(seconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      const detail = `the agent worked longer than the ${seconds} s of its envelope`;
      const hint = "envelope.max_duration_s of the plan bounds it, within the policy's.";
      this.#limit.abort(new GatewayError("timeout", detail, { hint }));
    }, seconds * 1000);
  }

  /** Before the agent may act: which task of ByteBot's it is must be on record. */
  async #recordStart({ id }: AgentTask, model: string): Promise<void> {
    const name = shortLine(model, 100);
    await this.#parts.io.record({
      event: {
        message: "The agent has its task",
        agent: { kind: "started", task: id, model: name },
      },
      audit: { type: "agent.started", details: { agent_task_id: id, model: name } },
    });
  }

  async #follow(task: AgentTask, session: ReturnType<AgentGuard["begin"]>): Promise<AgentTask> {
    const { api, io, timings } = this.#parts;
    const signal = this.#signal;
    const follower = new TaskFollower({
      api,
      task,
      reporter: this.#reporter,
      desktop: this.#parts.desktop,
      session,
      timings,
      signal,
    });
    const wake = () => follower.wake();
    const service = new InstructionService({
      api,
      taskId: task.id,
      session,
      settleMs: timings.settleMs,
      signal,
      onControl: (holder) => this.#reporter.reportControl(holder),
      onDone: wake,
    });
    io.onInstruction((instruction) => service.handle(instruction));
    let watch: TaskWatch | undefined;
    try {
      watch = this.#parts.socket ? await watchTask(this.#parts.url, task.id, wake) : undefined;
      for (;;) {
        const end = await follower.follow(watch);
        if (service.isIdle) return end;
        // What was sent meanwhile may have made it go on.
        await service.settled();
      }
    } finally {
      service.close();
      watch?.[Symbol.dispose]();
    }
  }

  #resultOf({ status }: AgentTask): Record<string, unknown> {
    const { transcript } = this.#reporter;
    const outcome = OUTCOMES[status];
    if (outcome !== undefined) return { outcome, messages: transcript.messages() };
    const words = transcript.lastWords();
    const last = words === "" ? "and said nothing" : `and said last: ${words}`;
    throw new GatewayError("bytebot_error", `the agent ${ENDS[status] ?? "ended"} ${last}`, {
      hint: "The task's events show how far it came; look at the desktop before planning it again.",
    });
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "outcome_unknown";
}

function notStopped(cause: unknown): GatewayError {
  if (cause instanceof GatewayError && cause.code === "outcome_unknown") return cause;
  return new GatewayError(
    "outcome_unknown",
    "the agent's task was to be stopped, and nobody could see that it was",
    { hint: "Cancel it in ByteBot; nothing it does now reaches the desktop." },
    cause,
  );
}
