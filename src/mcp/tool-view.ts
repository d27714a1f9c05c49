import type { Tool as McpTool } from "@modelcontextprotocol/server";
import { TASK_STATUSES } from "../contract/task.ts";
import type { Tool, ToolSchema } from "../tools/tool.ts";

/** The status of a call that never became a task. */
export const REFUSED = "refused";

/** A tool as MCP lists it. */
export function viewTool({
  name,
  title,
  description,
  parameters,
  result,
  annotations,
}: Tool): McpTool {
  const { readOnly, destructive, idempotent, openWorld } = annotations;
  return {
    name,
    title,
    description,
    inputSchema: parameters as McpTool["inputSchema"],
    outputSchema: answerSchema(result),
    annotations: {
      title,
      readOnlyHint: readOnly,
      destructiveHint: destructive,
      idempotentHint: idempotent,
      openWorldHint: openWorld,
    },
  };
}

const text = (description: string) => ({ type: "string", description });

/** Of what every call answers, whatever came of it. */
function answerSchema(result: ToolSchema | undefined): NonNullable<McpTool["outputSchema"]> {
  const ofResult = { ...(result ?? {}), type: ["object", "null"] };
  return {
    type: "object",
    properties: {
      status: {
        type: "string",
        enum: [...TASK_STATUSES, REFUSED],
        description: "Only completed means that it was done.",
      },
      task_id: text("What task_status takes. Absent where nothing was begun."),
      result: { ...ofResult, description: "Present once the task is completed." },
      artifacts: {
        type: "array",
        description: "Files it left behind; the gateway serves them to this key.",
        items: {
          type: "object",
          properties: {
            id: { type: "string" },
            url: { type: "string" },
            media_type: { type: "string" },
            size: { type: "integer" },
            name: { type: "string" },
            step: { type: "integer" },
          },
          required: ["id", "url", "media_type", "size", "name"],
        },
      },
      error: {
        type: "object",
        properties: {
          code: { type: "string" },
          detail: { type: "string" },
          hint: { type: "string" },
          step: { type: "integer" },
        },
        required: ["code", "detail"],
      },
      reason: text("Why a person rejected it."),
      proposal: {
        type: "object",
        description:
          "What the person who rejected it proposes instead. Nothing of it is planned yet.",
      },
      progress: { type: "number", minimum: 0, maximum: 100 },
      message: text("The newest progress message."),
      advice: text("What to do next."),
      confirmation_url: text(
        "Where an approver decides, with a key of their own. It gives no right by itself.",
      ),
    },
    required: ["status"],
  };
}
