import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { MODES } from "./mcp-client.ts";

/** `bytebot-gateway mcp`, started by the SDK's own client as desktop clients start it. */
const CLI = join(dirname(dirname(import.meta.dirname)), "dist/cli.js");

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ env: { LOG_LEVEL: "debug" } });
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const read = { name: "fs_read", arguments: { path: "/tmp/a.txt" } };

describe.each(MODES)("bytebot-gateway mcp (%s)", (mode) => {
  test("lists and calls the tools, and says nothing on stderr", async () => {
    const bridge = await open(gateway, mode);
    const { tools } = await bridge.client.listTools();
    expect(tools.map(({ name }) => name)).toContain("fs_read");
    const answer = await bridge.client.callTool(read);
    expect(answer.structuredContent).toMatchObject({ result: { content: "hello" } });
    await bridge.client.close();
    expect(await bridge.stderr).toBe("");
  });

  test("hands on progress and what the client cancels", async () => {
    const bridge = await open(gateway, mode);
    const gone = new AbortController();
    const begun = gateway.logs().length;
    const call = bridge.client.callTool(
      { name: "wait", arguments: { duration_ms: 60_000 } },
      { signal: gone.signal, onprogress: () => gone.abort() },
    );
    await expect(call).rejects.toThrow();
    const { task_id } = await gateway.logged(
      (line) => line.event === "task_cancelled" && gateway.logs().indexOf(line) >= begun,
    );
    const { status } = await task(gateway, String(task_id), gateway.keys.api);
    expect(status).toBe("cancelled");
    await bridge.client.close();
  });

  test("survives a gateway that is started anew", async () => {
    await using own = await startGateway({ env: { LOG_LEVEL: "debug" } });
    writeFileSync(own.file("/tmp/a.txt"), "hello");
    const { port } = own;
    const bridge = await open(own, mode);
    await bridge.client.callTool(read);
    const lost = bridge.client.callTool({ name: "wait", arguments: { duration_ms: 60_000 } });
    const refused = expect(lost).rejects.toThrow(/broke off|does not answer/);
    await own.logged((line) => line.event === "task_started");
    await own.kill();
    await refused;
    await expect(bridge.client.callTool(read)).rejects.toThrow(/does not answer/);
    await own.start({ PORT: String(port) });
    const answer = await bridge.client.callTool(read);
    expect(answer.structuredContent).toMatchObject({ result: { content: "hello" } });
    await bridge.client.close();
    expect(await bridge.stderr).toContain("does not answer");
  });
});

test("says what is wrong with the token", async () => {
  const wrong = await open(gateway, "legacy", "wrong").catch((error: unknown) => String(error));
  expect(wrong).toMatch(/API_TOKEN is missing, wrong or revoked/);
  const none = await cli(gateway, ["mcp"]);
  expect(none).toMatchObject({ exit: 7, stdout: "" });
  expect(none.stderr).toContain("API_TOKEN");
});

async function open(of: Gateway, mode: (typeof MODES)[number], token = of.keys.api.token) {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, "mcp"],
    env: { GATEWAY_URL: of.url, API_TOKEN: token ?? "", HOME: of.directory },
    cwd: of.directory,
    stderr: "pipe",
  });
  const { stderr } = transport;
  if (stderr === null) throw new Error("stderr is a pipe");
  const said = text(stderr as Readable);
  await client.connect(transport);
  return { client, stderr: said };
}
