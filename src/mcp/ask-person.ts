import {
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type RequestStateCodec,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { TaskView } from "../contract/task.ts";
import type { McpDeps } from "./mcp-deps.ts";
import type { PlanQuestion } from "./plan-question.ts";

/** ms that a person may take in a dialog; then the plan still waits for an approver. */
const MAX_THOUGHT_MS = 600_000;
const QUESTION = "decision";

export type Decision = "approve" | "reject" | "none";

/** What a question's answer is about, sealed so that the client can only hand it back. */
export interface AskState {
  readonly taskId: string;
  readonly planDigest: string;
  /** Digest of the call it belongs to. */
  readonly call: string;
}

/** Nothing is chosen beforehand: a dialog confirmed by habit is no approval. */
const SCHEMA = {
  type: "object" as const,
  properties: {
    [QUESTION]: {
      type: "string" as const,
      title: "Decision",
      description: "approve runs it as shown; reject ends it.",
      enum: ["approve", "reject"],
    },
  },
  required: [QUESTION],
};

/** Asks in the middle of the call, as the protocol has it up to 2025-11-25. */
export async function askDuringCall(
  { tasks, feed, findPrincipal }: Pick<McpDeps, "tasks" | "feed" | "findPrincipal">,
  { taskId, message }: PlanQuestion,
  keyId: string,
  ctx: ServerContext,
): Promise<Decision> {
  const over = new AbortController();
  const signal = AbortSignal.any([ctx.mcpReq.signal, over.signal]);
  // Somebody may decide elsewhere meanwhile: then the dialog is of no use any more.
  const elsewhere = feed.until(
    taskId,
    async () => {
      const principal = findPrincipal(keyId);
      return principal === undefined ? undefined : await tasks.get(principal, taskId);
    },
    (task: TaskView | undefined) => task?.status !== "awaiting_confirmation",
    { waitMs: MAX_THOUGHT_MS, signal },
  );
  const closing = elsewhere.then(
    () => over.abort(),
    () => over.abort(),
  );
  try {
    const params = { mode: "form" as const, message, requestedSchema: SCHEMA };
    // On the stream of the call: a client need not have another.
    const options = { signal, timeout: MAX_THOUGHT_MS, relatedRequestId: ctx.mcpReq.id };
    const { action, content } = await ctx.mcpReq.elicitInput(params, options);
    return decisionOf(action, content);
  } catch {
    // No answer, or none that was asked for: nobody has decided.
    return "none";
  } finally {
    over.abort();
    await closing;
  }
}

/** Answers the call with the question, as the protocol has it since 2026-07-28. */
export async function askInAnswer(
  codec: RequestStateCodec<AskState>,
  { taskId, planDigest, message }: PlanQuestion,
  call: string,
  ctx: ServerContext,
): Promise<InputRequiredResult> {
  return inputRequired({
    inputRequests: {
      [QUESTION]: inputRequired.elicit({ mode: "form", message, requestedSchema: SCHEMA }),
    },
    requestState: await codec.mint({ taskId, planDigest, call }, ctx),
  });
}

/** What the person said to `askInAnswer`. */
export function readAnswer({ mcpReq }: ServerContext): Decision {
  const answer = inputResponse(mcpReq.inputResponses, QUESTION);
  return answer.kind === "elicit" ? decisionOf(answer.action, answer.content) : "none";
}

/** Only the word itself approves; a dialog that was closed decides nothing. */
function decisionOf(action: string, content: Record<string, unknown> | undefined): Decision {
  if (action === "decline") return "reject";
  if (action !== "accept") return "none";
  const decision = content?.[QUESTION];
  return decision === "approve" || decision === "reject" ? decision : "none";
}
