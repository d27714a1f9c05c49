import type { Tool as McpTool } from "@modelcontextprotocol/server";
import type { Tool } from "../tools/tool.ts";

/** The status of a call that never became a task. */
export const REFUSED = "refused";

/** A tool as MCP lists it. */
export function viewTool({ name, title, description, parameters, annotations }: Tool): McpTool {
  const { readOnly, destructive, idempotent, openWorld } = annotations;
  return {
    name,
    title,
    description,
    inputSchema: parameters as McpTool["inputSchema"],
    outputSchema: ANSWER_SCHEMA,
    annotations: {
      title,
      readOnlyHint: readOnly,
      destructiveHint: destructive,
      idempotentHint: idempotent,
      openWorldHint: openWorld,
    },
  };
}

/**
 * Of what every call answers, whatever came of it. It goes to the model with each tool, so it says no
 * more than a client needs to check an answer; the server's instructions say what the parts mean.
 */
const ANSWER_SCHEMA: McpTool["outputSchema"] = {
  type: "object",
  properties: {
    status: { type: "string" },
    task_id: { type: "string" },
    result: { type: ["object", "null"] },
    error: { type: "object" },
    confirmation_url: { type: "string" },
  },
  required: ["status"],
};
