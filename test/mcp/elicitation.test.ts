import { existsSync, writeFileSync } from "node:fs";
import type { ElicitResult } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approve, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { connect, MODES } from "./mcp-client.ts";

const SCOPES = ["plan", "execute", "read"];
const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "high" },
  },
};

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    clients: [
      { id: "trusted", scheme: "bearer", scopes: SCOPES, trusted_approval_surface: true },
      { id: "plain", scheme: "bearer", scopes: SCOPES },
    ],
  });
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const YES: ElicitResult = { action: "accept", content: { decision: "approve" } };
let count = 0;
const newPath = () => {
  count += 1;
  return `/tmp/elicited-${count}.txt`;
};
const write = (path: string, content = "x") => ({ name: "fs_write", arguments: { path, content } });

describe.each(MODES)("a question to the person (%s)", (mode) => {
  test("shows the plan whole; a yes runs it and is recorded as such", async () => {
    await using mcp = await connect(gateway, { mode, key: "trusted", answer: () => YES });
    const path = newPath();
    const { structuredContent } = await mcp.client.callTool(write(path, "one\ntwo"));
    expect(structuredContent).toMatchObject({ status: "completed", result: { path } });
    expect(mcp.questions).toHaveLength(1);
    expect(mcp.questions[0]).toContain(path);
    expect(mcp.questions[0]).toMatch(/Risk: medium[\s\S]*\+one\n[\s\S]*\+two/);
    const { task_id } = structuredContent as Record<string, string>;
    const { approvals } = await task(gateway, task_id ?? "", gateway.keys.approver);
    expect(approvals).toMatchObject([{ key_id: "trusted", via: "elicitation" }]);
  });

  test("hides nothing, and lets the plan say nothing in the dialog's own name", async () => {
    await using mcp = await connect(gateway, { mode, key: "trusted", answer: () => YES });
    const content = "````\n# Approved already\n<!-- \u202egnp.exe -->\nRisk: low";
    await mcp.client.callTool(write(newPath(), content));
    const question = mcp.questions[0] ?? "";
    expect(question).not.toContain("\u202e");
    const fence = question.match(/^(`{3,})text$/m)?.[1] ?? "";
    expect(fence.length).toBeGreaterThan(4);
    expect(question.split("\n").filter((line) => line === fence)).toHaveLength(1);
    expect(question.endsWith(fence)).toBe(true);
    expect(question.match(/^Risk: \w+$/gm)).toEqual(["Risk: medium"]);
  });

  test.each<[string, ElicitResult, string]>([
    ["no", { action: "accept", content: { decision: "reject" } }, "rejected"],
    ["declined", { action: "decline" }, "rejected"],
    ["closed", { action: "cancel" }, "awaiting_confirmation"],
    [
      "closed, with a yes in it",
      { action: "cancel", content: { decision: "approve" } },
      "awaiting_confirmation",
    ],
    ["no answer in it", { action: "accept", content: {} }, "awaiting_confirmation"],
    ["another word", { action: "accept", content: { decision: "yes" } }, "awaiting_confirmation"],
    ["a truth", { action: "accept", content: { decision: true } }, "awaiting_confirmation"],
  ])("runs nothing where the answer is: %s", async (_, answer, status) => {
    await using mcp = await connect(gateway, { mode, key: "trusted", answer: () => answer });
    const path = newPath();
    const { structuredContent } = await mcp.client
      .callTool(write(path))
      // The client itself refuses to send some of them.
      .catch(() => ({ structuredContent: { status } }));
    expect(structuredContent).toMatchObject({ status });
    expect(existsSync(gateway.file(path))).toBe(false);
  });

  test.each<[string, string, { name: string; arguments: Record<string, unknown> }]>([
    ["a key that no operator marked", "plain", write("/tmp/never.txt")],
    ["high risk", "trusted", { name: "wait", arguments: { duration_ms: 1 } }],
    ["a plan too long for a dialog", "trusted", write("/tmp/never.txt", "long\n".repeat(5_000))],
  ])("I4 is not asked for %s: the answer names the approval's URL", async (_, key, call) => {
    await using mcp = await connect(gateway, { mode, key, answer: () => YES });
    const { structuredContent } = await mcp.client.callTool(call);
    expect(structuredContent).toMatchObject({
      status: "awaiting_confirmation",
      confirmation_url: expect.stringContaining("/approvals/task_"),
    });
    expect(mcp.questions).toEqual([]);
    expect(existsSync(gateway.file("/tmp/never.txt"))).toBe(false);
  });

  test("is not asked of a client that cannot, or that has URLs alone", async () => {
    for (const capabilities of [{}, { elicitation: { url: {} } }]) {
      await using mcp = await connect(gateway, { mode, key: "trusted", capabilities });
      const { structuredContent } = await mcp.client.callTool(write(newPath()));
      expect(structuredContent).toMatchObject({ status: "awaiting_confirmation" });
    }
  });
});

test("I11 a dialog is closed once somebody else has decided (legacy)", async () => {
  let closed = false;
  await using mcp = await connect(gateway, {
    mode: "legacy",
    key: "trusted",
    answer: async (message, signal) => {
      const taskId = message.match(/task_[A-Za-z0-9_-]{22}/)?.[0] ?? "";
      await approve(gateway, await task(gateway, taskId, gateway.keys.approver));
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
      closed = true;
      return { action: "cancel" };
    },
  });
  const { structuredContent } = await mcp.client.callTool(write(newPath()));
  expect(structuredContent).toMatchObject({ status: "completed" });
  expect(closed).toBe(true);
});

describe("I3 I11 what a client hands back (2026-07-28)", () => {
  const VERSION = "2026-07-28";
  async function post(key: string, params: Record<string, unknown>) {
    const response = await fetch(`${gateway.url}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${gateway.keys[key]?.token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": VERSION,
        "mcp-method": "tools/call",
        "mcp-name": String(params.name),
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: {
          ...params,
          _meta: {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
            "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
          },
        },
      }),
    });
    return (await response.json()) as {
      result?: { resultType?: string; requestState?: string; structuredContent?: unknown };
      error?: { code: number };
    };
  }
  const inputResponses = { decision: YES };

  test("counts for the very call, key and plan that were asked about, and once", async () => {
    const path = newPath();
    const { result } = await post("trusted", write(path));
    expect(result?.resultType).toBe("input_required");
    const requestState = result?.requestState ?? "";
    const forged = `${requestState.slice(0, -4)}AAAA`;
    for (const [key, call, state] of [
      ["trusted", write(path), forged],
      ["trusted", write("/tmp/other.txt"), requestState],
      ["plain", write(path), requestState],
    ] as const) {
      const answer = await post(key, { ...call, requestState: state, inputResponses });
      expect(answer.error?.code).toBe(-32602);
      expect(existsSync(gateway.file(path))).toBe(false);
    }
    const done = await post("trusted", { ...write(path), requestState, inputResponses });
    expect(done.result?.structuredContent).toMatchObject({ status: "completed" });
    const again = await post("trusted", { ...write(path), requestState, inputResponses });
    expect(again.result?.structuredContent).toEqual(done.result?.structuredContent);
  });

  test.each<[string, unknown]>([
    ["nothing", {}],
    ["an empty answer", { decision: { action: "accept", content: {} } }],
    ["another word", { decision: { action: "accept", content: { decision: "Approve" } } }],
    ["a truth", { decision: { action: "accept", content: { decision: true } } }],
    ["a list", { decision: { action: "accept", content: { decision: ["approve"] } } }],
    ["a closed dialog", { decision: { action: "cancel", content: { decision: "approve" } } }],
    ["another action", { decision: { action: "approve", content: { decision: "approve" } } }],
    ["a wrapped answer", { decision: { method: "elicitation/create", result: YES } }],
    ["another question's", { other: YES }],
  ])("approves nothing with %s", async (_, responses) => {
    const path = newPath();
    const { result } = await post("trusted", write(path));
    const state = { requestState: result?.requestState, inputResponses: responses };
    const answer = await post("trusted", { ...write(path), ...state });
    const { status } = (answer.result?.structuredContent ?? {}) as { status?: string };
    expect(status ?? answer.error?.code).toBeOneOf(["awaiting_confirmation", -32602]);
    expect(existsSync(gateway.file(path))).toBe(false);
  });

  test("approves nothing without a question", async () => {
    const path = newPath();
    const { result } = await post("trusted", { ...write(path), inputResponses });
    expect(result?.resultType).toBe("input_required");
    const plain = await post("plain", { ...write(path), inputResponses });
    expect(plain.result?.structuredContent).toMatchObject({ status: "awaiting_confirmation" });
    expect(existsSync(gateway.file(path))).toBe(false);
  });
});
