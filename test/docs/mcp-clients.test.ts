import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gateway, startGateway, type TestClient } from "../support/gateway.ts";
import { projectRoot, readMarkdown } from "../support/markdown.ts";

/** The configurations of docs/mcp.md, as they stand but for paths, address and token. */
interface ServerEntry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Configuration {
  readonly clients?: readonly TestClient[];
  readonly mcpServers?: Readonly<Record<string, ServerEntry>>;
  readonly servers?: Readonly<Record<string, ServerEntry>>;
}

const configurations = readMarkdown("docs/mcp.md")
  .blocks.filter(({ language }) => language === "json")
  .map(({ text, line }) => ({ line, content: JSON.parse(text) as Configuration }));
const entries = configurations.flatMap(({ line, content: { mcpServers, servers } }) =>
  Object.values(mcpServers ?? servers ?? {}).map((entry) => [line, entry] as const),
);

describe("the configurations of docs/mcp.md", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    const clients = configurations.flatMap(({ content }) => content.clients ?? []);
    gateway = await startGateway({ clients });
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  test("are those of three clients", () => expect(entries).toHaveLength(3));

  test.each(entries)("line %d: lists the key's tools and calls one", async (_, entry) => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(transportOf(entry));
    try {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain("fs_list");
      expect(tools.map(({ name }) => name)).not.toContain("fs_edit");
      const call = { name: "fs_list", arguments: { path: "/tmp" } };
      expect((await client.callTool(call)).structuredContent).toMatchObject({
        status: "completed",
      });
    } finally {
      await client.close();
    }
  });

  const here = (text: string) =>
    text
      .replace("/path/to/bytebot-gateway/config", gateway.configDir)
      .replace("/path/to/bytebot-gateway", projectRoot)
      .replace(/http:\/\/(localhost|127\.0\.0\.1):8089/, gateway.url)
      .replace(/\$\{(input|env):[\w-]+\}/, gateway.keys.mcp?.token ?? "");

  function transportOf({ command, args = [], env = {}, url = "", headers = {} }: ServerEntry) {
    const valuesHere = (of: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(of).map(([name, value]) => [name, here(value)]));
    if (command === undefined) {
      const requestInit = { headers: valuesHere(headers) };
      return new StreamableHTTPClientTransport(new URL(here(url)), { requestInit });
    }
    // Started elsewhere than in the gateway's folder, as desktop clients do.
    const cwd = join(projectRoot, "/..");
    return new StdioClientTransport({
      command: here(command),
      args: args.map(here),
      env: valuesHere(env),
      cwd,
    });
  }
});
