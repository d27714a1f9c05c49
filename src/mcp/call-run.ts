import {
  type CallToolResult,
  type RequestStateCodec,
  SdkError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { PictureScaler } from "../artifacts/picture-scaler.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Principal } from "../contract/principal.ts";
import { TASK_STATUS } from "../tools/general-tools.ts";
import type { ToolArguments } from "../tools/tool.ts";
import type { ToolOutcome } from "../tools/tool-outcome.ts";
import type { AskState, Decision } from "./ask-person.ts";
import type { Caller, McpDeps } from "./mcp-deps.ts";
import { askAboutPlan, type PlanQuestion } from "./plan-question.ts";
import { answerTool } from "./tool-answer.ts";

/** Below the 60 s after which clients give a call up, which would cancel the task. */
const WAIT_MS = 50_000;

export interface ToolCallDeps extends McpDeps {
  readonly codec: RequestStateCodec<AskState>;
  readonly pictures: PictureScaler;
  readonly era: "legacy" | "modern";
  /** Whether the client can put a question to the person in front of it. */
  readonly canAsk: () => boolean;
  /** Whether the client has ended its session, which ends its calls. */
  readonly isDeleted: () => boolean;
  /** Whether the gateway is closing: connections end then, and nobody cancelled anything. */
  readonly isClosing: () => boolean;
}

/** A call under way. */
export class CallRun {
  readonly #deps: ToolCallDeps;
  readonly #caller: Caller;
  readonly #ctx: ServerContext;
  readonly #waiting: { readonly waitMs: number; readonly signal: AbortSignal };
  readonly #onProgress: (of: { readonly progress: number; readonly message?: string }) => void;
  #taskId: string | undefined;

  constructor(deps: ToolCallDeps, caller: Caller, ctx: ServerContext, taskId: string | undefined) {
    this.#deps = deps;
    this.#caller = caller;
    this.#ctx = ctx;
    this.#taskId = taskId;
    this.#waiting = { waitMs: WAIT_MS, signal: ctx.mcpReq.signal };
    this.#onProgress = progressReporter(ctx);
  }

  /** The task that it planned; `task_status` plans none. */
  get taskId(): string | undefined {
    return this.#taskId;
  }

  begin(name: string, args: ToolArguments): Promise<ToolOutcome> {
    const { principal, requestedBy } = this.#caller;
    const patient = typeof args.wait === "number" && args.wait * 1000 > WAIT_MS;
    const asked = name === TASK_STATUS && patient ? { ...args, wait: WAIT_MS / 1000 } : args;
    return this.#deps.runner.call(principal, name, asked, {
      ...this.#waiting,
      requestedBy,
      onProgress: this.#onProgress,
      onPlanned: ({ task_id }) => {
        this.#taskId = task_id;
        this.#refuseCancelled();
      },
    });
  }

  /** Undefined where a dialog of this client decides nothing. */
  async questionFor(outcome: ToolOutcome): Promise<PlanQuestion | undefined> {
    if (outcome.kind !== "awaiting" || !this.#deps.canAsk()) return undefined;
    const principal = this.#present();
    if (!principal.trustedApprovalSurface) return undefined;
    return askAboutPlan(await this.#deps.tasks.surface(principal, outcome.taskId));
  }

  /** Records what the person said, and waits for what comes of it. */
  async goOn(
    { taskId, planDigest }: Pick<PlanQuestion, "taskId" | "planDigest">,
    decision: Decision,
  ): Promise<CallToolResult> {
    const { tasks, runner } = this.#deps;
    const principal = this.#present();
    if (decision !== "none") {
      const request = { task_id: taskId, plan_digest: planDigest, decision };
      await tasks.decideOnSurface(principal, request, "elicitation").catch(passOverEnded);
    }
    // Somebody elsewhere may have decided; else there is nothing to wait for.
    const undecided = (await tasks.get(principal, taskId)).status === "awaiting_confirmation";
    const outcome = await runner.finish(principal, taskId, {
      ...this.#waiting,
      ...(undecided && { waitMs: 0 }),
      onProgress: this.#onProgress,
    });
    return answerTool(this.#deps, outcome);
  }

  /** Cancels the task where the client cancelled the call. */
  async end(): Promise<void> {
    if (this.#taskId === undefined || !this.#isCancelled()) return;
    const principal = this.#deps.findPrincipal(this.#caller.principal.keyId);
    if (principal === undefined) return;
    await this.#deps.tasks.cancel(principal, this.#taskId).catch((error: unknown) => {
      if (!(error instanceof GatewayError)) throw error;
    });
  }

  /** Planning takes a moment, and what was cancelled in it must not begin. */
  #refuseCancelled(): void {
    if (!this.#isCancelled()) return;
    throw new GatewayError("task_cancelled", "The call was cancelled.", {
      hint: "Ask the user before trying it again.",
    });
  }

  #isCancelled(): boolean {
    const { signal } = this.#ctx.mcpReq;
    if (!signal.aborted || this.#deps.isClosing()) return false;
    if (this.#deps.era === "modern" || this.#deps.isDeleted()) return true;
    // Up to 2025-11-25 a lost connection cancels nothing: the client may come back for the answer.
    return !(signal.reason instanceof SdkError);
  }

  /** The key's rights may be others by now. Throws `token_invalid`. */
  #present(): Principal {
    const principal = this.#deps.findPrincipal(this.#caller.principal.keyId);
    if (principal?.scopes.has("execute")) return principal;
    throw new GatewayError("token_invalid", "The key of this call no longer holds.", {
      hint: "The operator lists keys in config/clients.json.",
    });
  }
}

/** Somebody was quicker, or time was: how the task stands is the answer. */
function passOverEnded(error: unknown): void {
  if (error instanceof GatewayError && ENDED.has(error.code)) return;
  throw error;
}

/** Progress only ever grows, as the protocol asks; nobody asked: nothing is sent. */
function progressReporter({ mcpReq }: ServerContext) {
  const progressToken = mcpReq._meta?.progressToken;
  let last = -1;
  return ({ progress, message }: { readonly progress: number; readonly message?: string }) => {
    if (progressToken === undefined || progress <= last) return;
    last = progress;
    const params = { progressToken, progress, total: 100, ...(message && { message }) };
    // Whoever went away misses it.
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
  };
}

const ENDED: ReadonlySet<string> = new Set(["already_decided", "plan_expired"]);
