import {
  Client,
  type ClientCapabilities,
  type ElicitResult,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import type { Gateway } from "../support/gateway.ts";

/** The SDK's own client, connected to a gateway. */
export interface McpClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  /** Texts of the questions that it was asked. */
  readonly questions: string[];
}

export interface McpClientOptions {
  readonly key?: string;
  /** What the person says to a question; absent: the client cannot ask. */
  readonly answer?: (message: string, signal: AbortSignal) => ElicitResult | Promise<ElicitResult>;
  /** `legacy`: up to 2025-11-25. `auto`: the newest that both know. */
  readonly mode?: "legacy" | "auto";
  readonly capabilities?: ClientCapabilities;
}

export async function connect(
  gateway: Pick<Gateway, "url" | "keys">,
  { key = "api", answer, mode = "auto", capabilities }: McpClientOptions = {},
): Promise<McpClient> {
  const questions: string[] = [];
  const client = new Client(
    { name: "test", version: "1" },
    {
      capabilities: capabilities ?? (answer === undefined ? {} : { elicitation: { form: {} } }),
      versionNegotiation: { mode },
    },
  );
  if (answer !== undefined) {
    client.setRequestHandler("elicitation/create", ({ params }, { mcpReq }) => {
      questions.push(params.message);
      return answer(params.message, mcpReq.signal);
    });
  }
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", gateway.url), {
    requestInit: { headers: { authorization: `Bearer ${gateway.keys[key]?.token}` } },
  });
  await client.connect(transport);
  return { client, transport, questions, [Symbol.asyncDispose]: () => client.close() };
}

export const MODES = ["legacy", "auto"] as const;
