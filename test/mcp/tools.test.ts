import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng, readPngSize } from "../../src/lib/png.ts";
import { call } from "../support/call.ts";
import { approve, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { connect, MODES } from "./mcp-client.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    env: { LOG_LEVEL: "debug" },
    clients: [
      { id: "reader", scheme: "bearer", scopes: ["read"] },
      { id: "other", scheme: "bearer", scopes: ["plan", "execute", "read"] },
    ],
  });
  mkdirSync(gateway.file("/tmp/images"));
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
  writeFileSync(gateway.file("/tmp/images/a.png"), PNG);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const bytes = (value: unknown) => JSON.stringify(value);

describe.each(MODES)("a client (%s)", (mode) => {
  test("speaks the newest version that it may", async () => {
    await using mcp = await connect(gateway, { mode });
    const version = mode === "legacy" ? "2025-11-25" : "2026-07-28";
    expect(mcp.client.getNegotiatedProtocolVersion()).toBe(version);
    expect(mcp.client.getServerVersion()).toMatchObject({ name: "bytebot-gateway" });
    expect(mcp.client.getInstructions()).toContain("task_status");
  });

  test("is told of every tool what it does, with annotations and what it answers", async () => {
    await using mcp = await connect(gateway, { mode });
    const { tools } = await mcp.client.listTools();
    const hints = (name: string) => tools.find((tool) => tool.name === name)?.annotations;
    expect(hints("fs_read")).toMatchObject({
      readOnlyHint: true,
      destructiveHint: false,
      openWorldHint: false,
    });
    expect(hints("fs_write")).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    expect(hints("run_plan")).toMatchObject({ destructiveHint: true, openWorldHint: true });
    for (const { inputSchema, outputSchema, description } of tools) {
      expect(inputSchema.type).toBe("object");
      expect(outputSchema).toMatchObject({ type: "object", required: ["status"] });
      expect(description).toBeTruthy();
    }
    // It goes to the model with every request: what a client checks is no large part of it.
    const checked = bytes(tools.map(({ outputSchema }) => outputSchema)).length;
    expect(checked).toBeLessThan(bytes(tools).length / 5);
    expect(bytes(tools).length).toBeLessThan(32_000);
  });

  test("gets results as text and structured, which the client checks", async () => {
    await using mcp = await connect(gateway, { mode });
    await mcp.client.listTools();
    const answer = await mcp.client.callTool({
      name: "fs_read",
      arguments: { path: "/tmp/a.txt" },
    });
    expect(answer.isError).not.toBe(true);
    expect(answer.structuredContent).toMatchObject({
      status: "completed",
      result: { content: "hello", size: 5 },
    });
    expect(answer.content).toEqual([{ type: "text", text: bytes(answer.structuredContent) }]);
    const several = await mcp.client.callTool({
      name: "run_plan",
      arguments: { steps: [{ action: "fs_list", parameters: { path: "/tmp" } }] },
    });
    expect(several.structuredContent).toMatchObject({ status: "completed" });
  });

  test("gets an image as an image", async () => {
    await using mcp = await connect(gateway, { mode });
    await mcp.client.listTools();
    const path = "/tmp/images/a.png";
    const { content } = await mcp.client.callTool({
      name: "fs_read",
      arguments: { path, encoding: "base64" },
    });
    const image = { type: "image", data: PNG.toString("base64"), mimeType: "image/png" };
    const text = expect.stringContaining("If you do not see it, your client gives you text alone");
    expect(content).toEqual([expect.objectContaining({ type: "text", text }), image]);
  });

  test("gets a large image as one that models take", async () => {
    await using mcp = await connect(gateway, { mode });
    const path = "/tmp/images/large.png";
    const rgb = randomBytes(2400 * 900 * 3);
    writeFileSync(gateway.file(path), await encodePng({ width: 2400, height: 900, rgb }));
    const { content } = await mcp.client.callTool({
      name: "fs_read",
      arguments: { path, encoding: "base64" },
    });
    const image = content.find(({ type }) => type === "image");
    const data = image?.type === "image" ? image.data : "";
    expect(readPngSize(Buffer.from(data, "base64")).width).toBe(1568);
  });

  test("gets a long result once", async () => {
    await using mcp = await connect(gateway, { mode });
    await mcp.client.listTools();
    writeFileSync(gateway.file("/tmp/long.txt"), `${"long ".repeat(12_000)}end`);
    const read = { action: "fs.read", parameters: { path: "/tmp/long.txt" } };
    const call = { name: "run_plan", arguments: { steps: [read, read, read] } };
    const { content, structuredContent } = await mcp.client.callTool(call);
    const [first] = content;
    const text = first?.type === "text" ? first.text : "";
    expect(text.length).toBeGreaterThan(128 * 1024);
    expect(text.match(/long end/g)).toHaveLength(3);
    expect(JSON.parse(text)).toMatchObject({ status: "completed" });
    expect(structuredContent).toMatchObject({
      status: "completed",
      task_id: expect.stringMatching(/^task_/),
      result: null,
      advice: expect.stringContaining("stands in the text"),
    });
    expect(bytes(structuredContent).length).toBeLessThan(1000);
  });

  test("is told in words what policy refuses, and of a tool that is not there", async () => {
    await using mcp = await connect(gateway, { mode });
    await mcp.client.listTools();
    const read = (path: string) => mcp.client.callTool({ name: "fs_read", arguments: { path } });
    const refused = await read("/etc/passwd");
    expect(refused.isError).toBe(true);
    expect(refused.structuredContent).toMatchObject({
      status: "refused",
      error: { code: "path_not_allowed", hint: expect.any(String) },
    });
    const failed = await read("/tmp/none.txt");
    expect(failed.isError).toBe(true);
    expect(failed.structuredContent).toMatchObject({
      status: "failed",
      task_id: expect.stringMatching(/^task_/),
      error: { code: "file_not_found" },
    });
    const strange = mcp.client.callTool({ name: "confirm", arguments: {} });
    await expect(strange).rejects.toMatchObject({ code: -32602 });
  });

  test("is told where a person approves, and the task starts by itself then", async () => {
    await using mcp = await connect(gateway, { mode });
    const path = `/tmp/approved-${mode}.txt`;
    const answer = await mcp.client.callTool({
      name: "fs_write",
      arguments: { path, content: "x" },
    });
    const { task_id, confirmation_url } = answer.structuredContent as Record<string, string>;
    expect(answer.structuredContent).toMatchObject({ status: "awaiting_confirmation" });
    expect(confirmation_url).toBe(
      `${gateway.url.replace("127.0.0.1", "localhost")}/approvals/${task_id}`,
    );
    expect(answer.content).toContainEqual(
      expect.objectContaining({
        text: expect.stringContaining(confirmation_url ?? "no url"),
        annotations: expect.objectContaining({ audience: ["user"] }),
      }),
    );
    const planned = await task(gateway, task_id ?? "", gateway.keys.approver);
    expect(planned.status).toBe("awaiting_confirmation");
    await approve(gateway, planned);
    const finished = await mcp.client.callTool({
      name: "task_status",
      arguments: { task_id, wait: 300 },
    });
    expect(finished.structuredContent).toMatchObject({ status: "completed", result: { path } });
  });

  test("is told why a person said no, and what they propose", async () => {
    await using mcp = await connect(gateway, { mode });
    const parameters = { path: `/tmp/no-${mode}.txt`, content: "x" };
    const { structuredContent } = await mcp.client.callTool({
      name: "fs_write",
      arguments: parameters,
    });
    const { task_id } = structuredContent as { task_id: string };
    const { plan_digest } = await task(gateway, task_id, gateway.keys.approver);
    const step = { action: "fs.write", parameters: { ...parameters, path: "/tmp/yes.txt" } };
    const body = { task_id, plan_digest, decision: "reject", reason: "there", proposal: step };
    await call(gateway, "POST", "/confirm", body, gateway.keys.approver);
    const told = await mcp.client.callTool({ name: "task_status", arguments: { task_id } });
    expect(told).toMatchObject({
      isError: true,
      structuredContent: { status: "rejected", reason: "there", proposal: { steps: [step] } },
    });
  });

  test("sees progress, and a call that it cancels cancels its task", async () => {
    await using mcp = await connect(gateway, { mode });
    const gone = new AbortController();
    const seen: number[] = [];
    const begun = gateway.logs().length;
    const call = mcp.client.callTool(
      { name: "wait", arguments: { duration_ms: 60_000 } },
      {
        signal: gone.signal,
        onprogress: ({ progress, total }) => {
          seen.push(progress);
          expect(total).toBe(100);
          if (seen.length === 2) gone.abort();
        },
      },
    );
    await expect(call).rejects.toThrow();
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    const { task_id } = await gateway.logged(
      (line) => line.event === "task_cancelled" && gateway.logs().indexOf(line) >= begun,
    );
    const cancelled = await task(gateway, String(task_id), gateway.keys.api);
    expect(cancelled.status).toBe("cancelled");
  });

  test("I13 knows nothing of another key's task", async () => {
    await using mcp = await connect(gateway, { mode });
    await using other = await connect(gateway, { mode, key: "other" });
    const read = { name: "fs_read", arguments: { path: "/tmp/a.txt" } };
    const { structuredContent } = await mcp.client.callTool(read);
    const { task_id } = structuredContent as Record<string, unknown>;
    const strange = await other.client.callTool({ name: "task_status", arguments: { task_id } });
    expect(strange.structuredContent).toMatchObject({ error: { code: "task_not_found" } });
  });

  test("does with a key what its scopes allow", async () => {
    await using mcp = await connect(gateway, { mode, key: "reader" });
    const read = { name: "fs_read", arguments: { path: "/tmp/a.txt" } };
    const { structuredContent } = await mcp.client.callTool(read);
    expect(structuredContent).toMatchObject({ error: { code: "scope_missing" } });
  });
});
