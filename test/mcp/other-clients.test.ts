import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createMCPClient } from "@ai-sdk/mcp";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approve, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** Clients that others wrote: what they do with the gateway's answers is theirs alone. */
const SCOPES = ["plan", "execute", "read"];
const REMOTE = fileURLToPath(import.meta.resolve("mcp-remote/dist/proxy.js"));

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    clients: [{ id: "editor", scheme: "bearer", scopes: SCOPES, trusted_approval_surface: true }],
  });
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const read = { name: "fs_read", arguments: { path: "/tmp/a.txt" } };
const write = (name: string) => ({
  name: "fs_write",
  arguments: { path: `/tmp/${name}.txt`, content: "x" },
});
const headersOf = (key: string) => ({ Authorization: `Bearer ${gateway.keys[key]?.token}` });

describe("the SDK's 1.x line", () => {
  test("lists, calls, and is told where a person decides", async () => {
    const client = new Client({ name: "old", version: "1" });
    await client.connect(transportOf("api"));
    try {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain("fs_read");
      const answer = await client.callTool(read);
      expect(answer.structuredContent).toMatchObject({ result: { content: "hello" } });
      const waiting = await client.callTool(write("sdk"));
      const { task_id, confirmation_url } = waiting.structuredContent as Record<string, string>;
      expect(confirmation_url).toContain(`/approvals/${task_id}`);
      await approve(gateway, await task(gateway, task_id ?? "", gateway.keys.approver));
      const ended = await client.callTool({
        name: "task_status",
        arguments: { task_id, wait: 30 },
      });
      expect(ended.structuredContent).toMatchObject({ status: "completed" });
      await (client.transport as StreamableHTTPClientTransport).terminateSession();
    } finally {
      await client.close();
    }
  });

  test("asks the person in its own dialog", async () => {
    const client = new Client(
      { name: "old", version: "1" },
      { capabilities: { elicitation: { form: {} } } },
    );
    const asked: string[] = [];
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return { action: "accept", content: { decision: "approve" } };
    });
    await client.connect(transportOf("editor"));
    try {
      const answer = await client.callTool(write("asked"));
      expect(answer.structuredContent).toMatchObject({ status: "completed" });
      expect(asked).toEqual([expect.stringContaining("/tmp/asked.txt")]);
    } finally {
      await client.close();
    }
  });

  test("is refused in words", async () => {
    const client = new Client({ name: "old", version: "1" });
    await client.connect(transportOf("api"));
    try {
      await client.listTools();
      const refused = await client.callTool({
        name: "fs_read",
        arguments: { path: "/etc/passwd" },
      });
      expect(refused.isError).toBe(true);
      expect(JSON.stringify(refused.content)).toContain("path_not_allowed");
    } finally {
      await client.close();
    }
  });
});

describe("@ai-sdk/mcp", () => {
  test("makes tools that can be called", async () => {
    const client = await createMCPClient({
      transport: { type: "http", url: `${gateway.url}/mcp`, headers: headersOf("api") },
    });
    try {
      const { fs_read } = await client.tools();
      const options = { toolCallId: "1", messages: [], context: {} };
      const answer = await fs_read?.execute?.({ path: "/tmp/a.txt" }, options);
      expect(JSON.stringify(answer)).toContain("hello");
    } finally {
      await client.close();
    }
  });
});

describe("@langchain/mcp-adapters", () => {
  test("makes tools that can be called, and says what is refused", async () => {
    const client = new MultiServerMCPClient({
      bytebot: { transport: "http", url: `${gateway.url}/mcp`, headers: headersOf("api") },
    });
    try {
      const tools = await client.getTools();
      const tool = tools.find(({ name }) => name.endsWith("fs_read"));
      expect(JSON.stringify(await tool?.invoke({ path: "/tmp/a.txt" }))).toContain("hello");
      await expect(tool?.invoke({ path: "/etc/passwd" })).rejects.toThrow("path_not_allowed");
    } finally {
      await client.close();
    }
  });
});

describe("mcp-remote", () => {
  test("bridges a client that starts programs", async () => {
    const client = new Client({ name: "old", version: "1" });
    // Where it would keep tokens of OAuth; nothing asks for any here.
    const env = { PATH: process.env.PATH ?? "", HOME: gateway.directory };
    const header = `Authorization: Bearer ${gateway.keys.api.token}`;
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [REMOTE, `${gateway.url}/mcp`, "--header", header, "--transport", "http-only"],
      env: { ...env, MCP_REMOTE_CONFIG_DIR: gateway.directory },
      stderr: "ignore",
    });
    await client.connect(transport);
    try {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain("run_plan");
      const answer = await client.callTool(read);
      expect(answer.structuredContent).toMatchObject({ result: { content: "hello" } });
    } finally {
      await client.close();
    }
  });
});

function transportOf(key: string): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL("/mcp", gateway.url), {
    requestInit: { headers: headersOf(key) },
  });
}
