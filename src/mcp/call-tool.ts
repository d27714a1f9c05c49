import {
  type CallToolResult,
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { GatewayError } from "../contract/errors.ts";
import { canonicalJson, sha256 } from "../lib/canonical.ts";
import { TASK_STATUS } from "../tools/general-tools.ts";
import type { ToolArguments } from "../tools/tool.ts";
import { type AskState, askDuringCall, askInAnswer, readAnswer } from "./ask-person.ts";
import { CallRun, type ToolCallDeps } from "./call-run.ts";
import type { Caller, McpDeps } from "./mcp-deps.ts";
import { answerDenial, answerTool } from "./tool-answer.ts";

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
  const run = new CallRun(deps, caller, ctx, asked?.taskId);
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
    return refuse(deps, error, run.taskId);
  } finally {
    await run.end();
  }
}

function refuse(
  { log }: Pick<McpDeps, "log">,
  error: unknown,
  taskId: string | undefined,
): CallToolResult {
  if (error instanceof ProtocolError) throw error;
  if (!(error instanceof GatewayError)) {
    log.error({ err: error }, "an MCP call failed");
    return answerDenial(
      new GatewayError("internal_error", "The call failed inside the gateway.", {
        hint: "The gateway's log has the reason.",
      }),
      taskId,
    );
  }
  if (error.code === "not_found") {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.detail);
  }
  return answerDenial(error, taskId);
}
