import type { Answer } from "./answer.ts";
import { type DaemonAction, isDaemonAction } from "./daemon-actions.ts";
import { type Fields, isFields } from "./request-body.ts";

const PREFIX = "computer_";

/** Answers a JSON-RPC message at `/mcp`: a tool for every action, called without any check. */
export async function answerMcp(
  message: Fields,
  actions: readonly string[],
  perform: (action: DaemonAction, body: Fields) => Promise<unknown>,
): Promise<Answer> {
  const reply = (result: unknown) => ({
    status: 200,
    body: { jsonrpc: "2.0", id: message.id, result },
  });
  if (message.method === "initialize")
    return reply({
      protocolVersion: "2025-03-26",
      capabilities: { tools: {} },
      serverInfo: { name: "bytebotd", version: "0.0.1" },
    });
  if (message.method === "tools/list")
    return reply({ tools: actions.map((action) => ({ name: PREFIX + action, inputSchema: {} })) });
  const params = isFields(message.params) ? message.params : {};
  const action = String(params.name).slice(PREFIX.length);
  if (message.method !== "tools/call" || !isDaemonAction(action))
    return { status: 200, body: { jsonrpc: "2.0", id: message.id, error: { code: -32601 } } };
  const body = isFields(params.arguments) ? params.arguments : {};
  const text = await perform(action, { ...body, action }).then(
    () => `${action} done`,
    (error: Error) => `Error: ${error.message}`,
  );
  return reply({ content: [{ type: "text", text }] });
}
