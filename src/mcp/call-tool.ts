import {
  type CallToolResult,
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  SdkError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { GatewayError } from "../contract/errors.ts";
import type { Principal } from "../contract/principal.ts";
import { canonicalJson, sha256 } from "../lib/canonical.ts";
import { TASK_STATUS } from "../tools/general-tools.ts";
import type { ToolArguments } from "../tools/tool.ts";
import type { ToolOutcome } from "../tools/tool-outcome.ts";
import {
  type AskState,
  askDuringCall,
  askInAnswer,
  type Decision,
  readAnswer,
} from "./ask-person.ts";
import type { Caller, McpDeps } from "./mcp-deps.ts";
import { askAboutPlan, type PlanQuestion } from "./plan-question.ts";
import { answerRefusal, answerTool } from "./tool-answer.ts";

/** Below the 60 s after which clients give a call up, which would cancel the task. */
const WAIT_MS = 50_000;

export interface ToolCallDeps extends McpDeps {
  readonly codec: RequestStateCodec<AskState>;
  readonly era: "legacy" | "modern";
  /** Whether the client can put a question to the person in front of it. */
  readonly canAsk: () => boolean;
  /** Whether the gateway is closing: connections end then, and nobody cancelled anything. */
  readonly isClosing: () => boolean;
}

/**
 * One `tools/call`. Where a person must approve, it asks them where that counts and otherwise names
 * the approval's URL. A cancelled call cancels its task.
 */
export async function callTool(
  deps: ToolCallDeps,
  caller: Caller,
  { name, args }: { readonly name: string; readonly args: ToolArguments },
  ctx: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  const call = sha256(canonicalJson([name, args]));
  const asked = ctx.mcpReq.requestState<AskState>();
  if (asked !== undefined && asked.call !== call) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "requestState is of another call.");
  }
  const run = new Run(deps, caller, ctx, asked?.taskId);
  try {
    if (asked !== undefined) return await run.goOn(asked, readAnswer(ctx));
    const outcome = await run.begin(name, args);
    const question = name === TASK_STATUS ? undefined : await run.questionFor(outcome);
    if (question === undefined) return await answerTool(deps, outcome);
    if (deps.era === "modern") return await askInAnswer(deps.codec, question, call, ctx);
    return await run.goOn(
      question,
      await askDuringCall(deps, question, caller.principal.keyId, ctx),
    );
  } catch (error) {
    return refuse(deps, error);
  } finally {
    await run.end();
  }
}

/** A call under way. */
class Run {
  readonly #deps: ToolCallDeps;
  readonly #caller: Caller;
  readonly #ctx: ServerContext;
  readonly #waiting: { readonly waitMs: number; readonly signal: AbortSignal };
  readonly #onProgress: (of: { readonly progress: number; readonly message?: string }) => void;
  /** The task that it planned; `task_status` plans none. */
  #taskId: string | undefined;

  constructor(deps: ToolCallDeps, caller: Caller, ctx: ServerContext, taskId: string | undefined) {
    this.#deps = deps;
    this.#caller = caller;
    this.#ctx = ctx;
    this.#taskId = taskId;
    this.#waiting = { waitMs: WAIT_MS, signal: ctx.mcpReq.signal };
    this.#onProgress = progressReporter(ctx);
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
      await tasks.decideOnSurface(principal, request, "elicitation").catch(passOverDecided);
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
    const { signal } = this.#ctx.mcpReq;
    if (this.#taskId === undefined || !signal.aborted || this.#deps.isClosing()) return;
    // Up to 2025-11-25 a lost connection cancels nothing: the client may come back for the answer.
    if (this.#deps.era === "legacy" && signal.reason instanceof SdkError) return;
    const principal = this.#deps.findPrincipal(this.#caller.principal.keyId);
    if (principal === undefined) return;
    await this.#deps.tasks.cancel(principal, this.#taskId).catch((error: unknown) => {
      if (!(error instanceof GatewayError)) throw error;
    });
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

/** Somebody was quicker: what they decided is what counts. */
function passOverDecided(error: unknown): void {
  if (error instanceof GatewayError && error.code === "already_decided") return;
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

function refuse({ log }: Pick<McpDeps, "log">, error: unknown): CallToolResult {
  if (error instanceof ProtocolError) throw error;
  if (!(error instanceof GatewayError)) {
    log.error({ err: error }, "an MCP call failed");
    return answerRefusal(
      new GatewayError("internal_error", "The call failed inside the gateway.", {
        hint: "The gateway's log has the reason.",
      }),
    );
  }
  if (error.code === "not_found") {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.detail);
  }
  return answerRefusal(error);
}
