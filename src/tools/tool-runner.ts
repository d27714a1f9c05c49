import { GatewayError } from "../contract/errors.ts";
import type { Principal, Scope } from "../contract/principal.ts";
import type { PlanView, RequestedBy, TaskView } from "../contract/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { isFinished } from "../tasks/transitions.ts";
import { readStatusArguments } from "./general-tools.ts";
import type { TaskFeed } from "./task-feed.ts";
import type { Tool, ToolArguments } from "./tool.ts";
import type { ToolList } from "./tool-list.ts";
import { outcomeOf, type ToolOutcome } from "./tool-outcome.ts";

export interface ToolRunnerDeps {
  readonly tasks: Pick<Tasks, "plan" | "execute" | "get">;
  readonly list: Pick<ToolList, "find">;
  readonly feed: TaskFeed;
}

export interface ToolCallOptions {
  /** Ends the wait, not the task. */
  readonly signal: AbortSignal;
  /** ms to wait for the end of what needs no person. */
  readonly waitMs: number;
  readonly requestedBy?: RequestedBy | undefined;
  /** Before anything starts. */
  readonly onPlanned?: (plan: PlanView) => void;
  readonly onProgress?: (progress: {
    readonly progress: number;
    readonly message?: string;
  }) => void;
}

/** Calls tools for a model: plans and executes through the task room, with the caller's own key. */
export class ToolRunner {
  readonly #deps: ToolRunnerDeps;

  constructor(deps: ToolRunnerDeps) {
    this.#deps = deps;
  }

  /**
   * Throws `not_found` for no such tool, `scope_missing`, and whatever planning and executing
   * refuse. What waits for a person resolves at once, and starts by itself when approved.
   */
  async call(
    principal: Principal,
    name: string,
    args: ToolArguments,
    options: ToolCallOptions,
  ): Promise<ToolOutcome> {
    const tool = this.#deps.list.find(name);
    if (tool === undefined) {
      throw new GatewayError("not_found", "There is no such tool.", {
        hint: "Call one of those that are listed.",
      });
    }
    if (tool.plan === undefined) {
      requireScopes(principal, ["read"]);
      const { taskId, waitMs } = readStatusArguments(args);
      return this.finish(principal, taskId, { ...options, waitMs });
    }
    requireScopes(principal, ["plan", "execute"]);
    return this.#run(principal, tool.plan(args), options);
  }

  /** Waits up to `waitMs` for the end of a task of this key. Throws `task_not_found`. */
  async finish(
    principal: Principal,
    taskId: string,
    { waitMs, signal, onProgress }: Pick<ToolCallOptions, "waitMs" | "signal" | "onProgress">,
  ): Promise<ToolOutcome> {
    const { feed, tasks } = this.#deps;
    using _ = feed.follow(taskId, ({ data: { progress, message } }) => {
      if (progress !== undefined) onProgress?.({ progress, ...(message && { message }) });
    });
    const task = await feed.until(
      taskId,
      () => tasks.get(principal, taskId),
      ({ status }: TaskView) => isFinished(status),
      { waitMs, signal },
    );
    return outcomeOf(task);
  }

  async #run(
    principal: Principal,
    request: ReturnType<NonNullable<Tool["plan"]>>,
    options: ToolCallOptions,
  ): Promise<ToolOutcome> {
    const { tasks } = this.#deps;
    const { requestedBy, onPlanned, signal } = options;
    const plan = await tasks.plan(principal, request, { requestedBy });
    onPlanned?.(plan);
    const started = await tasks.execute(
      principal,
      { task_id: plan.task_id },
      { waitMs: 0, signal },
    );
    const waits = started.view.status === "awaiting_confirmation";
    return this.finish(principal, plan.task_id, { ...options, waitMs: waits ? 0 : options.waitMs });
  }
}

function requireScopes({ keyId, scopes }: Principal, needed: readonly Scope[]): void {
  const missing = needed.find((scope) => !scopes.has(scope));
  if (missing === undefined) return;
  throw new GatewayError(
    "scope_missing",
    `Key ${keyId} does not have the scope ${missing}, which this tool needs.`,
    { hint: `Use a key whose scopes include ${missing}; config/clients.json grants them.` },
  );
}
