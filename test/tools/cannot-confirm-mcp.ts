import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { authHeaders } from "../support/call.ts";
import type { Credentials, Gateway } from "../support/gateway.ts";

export interface McpOptions {
  readonly mode: "legacy" | "auto";
  /** Whether the client can put a question to somebody. */
  readonly elicits: boolean;
  /** What a client answers to a question; only a person may be asked, of a trusted surface. */
  readonly answer: "approve" | "closed";
}

export interface ModelClient extends AsyncDisposable {
  readonly client: Client;
  /** Texts of the questions that it was asked. */
  readonly questions: readonly string[];
}

/** The SDK's client with any key, those that sign too. */
export async function connectAs(
  gateway: Gateway,
  credentials: Credentials | undefined,
  { mode, elicits, answer }: McpOptions,
): Promise<ModelClient> {
  const questions: string[] = [];
  const client = new Client(
    { name: "model", version: "1" },
    {
      capabilities: elicits ? { elicitation: { form: {} } } : {},
      versionNegotiation: { mode },
    },
  );
  if (elicits) {
    client.setRequestHandler("elicitation/create", ({ params }) => {
      questions.push(params.message);
      return answer === "approve"
        ? { action: "accept", content: { decision: "approve" } }
        : { action: "cancel" };
    });
  }
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", gateway.url), {
    fetch: (url, init = {}) => {
      const { method = "GET", body } = init;
      const text = typeof body === "string" ? body : "";
      const headers = new Headers(init.headers);
      const proof = authHeaders(credentials ?? {}, method, new URL(url).pathname, text);
      for (const [name, value] of Object.entries(proof)) headers.set(name, value);
      return fetch(url, { ...init, headers });
    },
  });
  await client.connect(transport);
  return { client, questions, [Symbol.asyncDispose]: () => client.close() };
}

/** A message as a program sends it that is no SDK: methods that might decide, answers nobody asked for. */
export function oddMessages(names: Readonly<Record<string, unknown>>): readonly unknown[] {
  const yes = { action: "accept", content: { decision: "approve" } };
  const calls = ["confirm", "approve", "decide", "cards_decide", "plan", "execute", "stop"].map(
    (name) => ({ method: "tools/call", params: { name, arguments: names } }),
  );
  const methods = [
    "tasks/confirm",
    "tasks/result",
    "tasks/update",
    "elicitation/create",
    "notifications/elicitation/complete",
    "resources/read",
    "prompts/get",
    "completion/complete",
    "sampling/createMessage",
    "logging/setLevel",
  ].map((method) => ({ method, params: { ...names, name: "confirm", uri: "confirm:" } }));
  const answers = [0, 1, 2].map((id) => ({ id, result: yes }));
  const MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "model", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
  };
  const unasked = ["fs_list", "fs_write", "fs_edit"].map((name) => ({
    method: "tools/call",
    params: {
      name,
      arguments: {
        path: "/tmp/a.txt",
        content: "x",
        mode: "overwrite",
        old_text: "old",
        new_text: "x",
      },
      inputResponses: { decision: yes },
      _meta: MODERN,
    },
  }));
  return [...calls, ...methods, ...unasked, ...answers].map((message, index) => ({
    jsonrpc: "2.0",
    id: index + 1,
    ...message,
  }));
}
