import { existsSync } from "node:fs";
import type { ElicitResult } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { approve, reject, task } from "../support/flow.ts";
import { type Gateway, startGateway, type TestClient } from "../support/gateway.ts";
import { connect, MODES } from "./mcp-client.ts";
import { ask, begin, callTool, modernCall, readUpTo } from "./raw-mcp.ts";

/** What may happen between a question to the person and its answer. */
const TRUSTED: TestClient = {
  id: "trusted",
  scheme: "bearer",
  scopes: ["plan", "execute", "read"],
  trusted_approval_surface: true,
};
const OTHER: TestClient = { id: "other", scheme: "bearer", scopes: ["read"] };
const policy = (plan_ttl_s = 300) => ({
  capabilities: { "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] } },
  security: { plan_ttl_s },
});
const QUESTION = "elicitation/create";
const FORM = { elicitation: { form: {} } };
const YES: ElicitResult = { action: "accept", content: { decision: "approve" } };

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    policy: policy(),
    clients: [TRUSTED, OTHER],
    env: { LOG_LEVEL: "debug" },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

let count = 0;
function write() {
  count += 1;
  const path = `/tmp/dialog-${count}.txt`;
  const ran = (of = gateway) => existsSync(of.file(path));
  return { name: "fs_write", arguments: { path, content: "x" }, ran };
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}

const taskIdIn = (message: string) => message.match(/task_[A-Za-z0-9_-]{22}/)?.[0] ?? "";

describe("while the dialog is open (legacy)", () => {
  test("a call that is cancelled closes it, and a yes after that approves nothing", async () => {
    const gone = new AbortController();
    let taskId = "";
    await using mcp = await connect(gateway, {
      mode: "legacy",
      key: "trusted",
      answer: async (message, signal) => {
        taskId = taskIdIn(message);
        gone.abort();
        await aborted(signal);
        return YES;
      },
    });
    const { ran, ...params } = write();
    await expect(mcp.client.callTool(params, { signal: gone.signal })).rejects.toThrow();
    await gateway.logged((line) => line.event === "task_cancelled" && line.task_id === taskId);
    expect((await task(gateway, taskId, gateway.keys.approver)).status).toBe("cancelled");
    expect(ran()).toBe(false);
  });

  test("a rejection elsewhere is the answer, and closes it", async () => {
    await using mcp = await connect(gateway, {
      mode: "legacy",
      key: "trusted",
      answer: async (message, signal) => {
        await reject(gateway, await task(gateway, taskIdIn(message), gateway.keys.approver));
        await aborted(signal);
        return YES;
      },
    });
    const { ran, ...params } = write();
    const { structuredContent } = await mcp.client.callTool(params);
    expect(structuredContent).toMatchObject({
      status: "rejected",
      error: { code: "task_rejected" },
    });
    expect(ran()).toBe(false);
  });

  test("I15 a key that is revoked ends it; a yes after that approves nothing", async () => {
    await using own = await startGateway({ policy: policy(), clients: [TRUSTED, OTHER] });
    const session = await begin(own, { key: "trusted", capabilities: FORM });
    const { ran, ...params } = write();
    const body = callTool(1, params.name, params.arguments);
    const stream = await ask(own, { session, key: "trusted", body });
    const { id, params: asked } = (await readUpTo(stream, QUESTION)).message;
    own.writeClients([OTHER]);
    await own.logged((line) => line.msg === "key revoked");
    own.writeClients([TRUSTED, OTHER]);
    await own.logged((line) => line.msg === "keys reloaded");
    await expect
      .poll(async () => (await answerTo(own, session, id, YES)).status, { timeout: 20_000 })
      .toBe(404);
    const { status } = await task(own, taskIdIn(asked.message), own.keys.approver);
    expect(status).toBe("cancelled");
    expect(ran(own)).toBe(false);
  });

  test.each([
    ["2025-06-18", {}],
    ["2025-11-25", {}],
    ["2025-11-25", { form: {}, url: {} }],
  ])(
    "is asked of a client of %s that says elicitation: %j, on the stream of its call",
    async (version, elicitation) => {
      const session = await begin(gateway, {
        key: "trusted",
        version,
        capabilities: { elicitation },
      });
      const { ran, ...params } = write();
      const body = callTool(1, params.name, params.arguments);
      const stream = await ask(gateway, { session, key: "trusted", body });
      const { message, rest } = await readUpTo(stream, QUESTION);
      await answerTo(gateway, session, message.id, YES);
      const { value } = await rest.next();
      expect(value?.data).toContain('"status":"completed"');
      expect(ran()).toBe(true);
    },
  );

  test("answers of the wrong kind approve nothing, and only the first counts", async () => {
    const session = await begin(gateway, { key: "trusted", capabilities: FORM });
    for (const result of [
      { action: "accept" },
      { action: "accept", content: "approve" },
      { action: "accept", content: ["approve"] },
      { action: "accept", content: { decision: ["approve"] } },
      { action: "accept", content: { decision: { approve: true } } },
      { action: "ACCEPT", content: { decision: "approve" } },
      { content: { decision: "approve" } },
      { action: "decline", content: { decision: "approve" } },
      {},
    ]) {
      const { ran, ...params } = write();
      const body = callTool(count, params.name, params.arguments);
      const stream = await ask(gateway, { session, key: "trusted", body });
      const { message, rest } = await readUpTo(stream, QUESTION);
      const { id, params: asked } = message;
      await answerTo(gateway, session, id, result);
      await answerTo(gateway, session, id, YES);
      const after = [];
      for await (const event of rest) after.push(event);
      expect(after.at(-1)?.data).toMatch(/"status":"(awaiting_confirmation|rejected)"/);
      const { approvals } = await task(gateway, taskIdIn(asked.message), gateway.keys.approver);
      expect([approvals, ran(), result]).toEqual([[], false, result]);
    }
  });

  test("the plan expires: the dialog is closed, and the answer says so", async () => {
    await using own = await startGateway({ policy: policy(1), clients: [TRUSTED] });
    await using mcp = await connect(own, {
      mode: "legacy",
      key: "trusted",
      answer: async (_message, signal) => {
        await aborted(signal);
        return YES;
      },
    });
    const { ran, ...params } = write();
    const { structuredContent } = await mcp.client.callTool(params);
    expect(structuredContent).toMatchObject({ status: "expired", error: { code: "plan_expired" } });
    expect(ran(own)).toBe(false);
  });
});

describe.each(MODES)("between question and answer (%s)", (mode) => {
  test("I16 a stop: a yes is refused and nothing runs", async () => {
    await using own = await startGateway({ policy: policy(), clients: [TRUSTED] });
    await using mcp = await connect(own, {
      mode,
      key: "trusted",
      answer: async () => {
        await call(own, "POST", "/stop", {}, own.keys.approver);
        return YES;
      },
    });
    const { ran, ...params } = write();
    const { structuredContent } = await mcp.client.callTool(params);
    expect(structuredContent).not.toMatchObject({ status: "completed" });
    expect(ran(own)).toBe(false);
  });

  test("I4 the operator takes the mark away: a yes approves nothing", async () => {
    await using own = await startGateway({ policy: policy(), clients: [TRUSTED] });
    let taskId = "";
    await using mcp = await connect(own, {
      mode,
      key: "trusted",
      answer: async (message) => {
        taskId = taskIdIn(message);
        own.writeClients([{ ...TRUSTED, trusted_approval_surface: false }]);
        await own.logged((line) => line.msg === "keys reloaded");
        return YES;
      },
    });
    const { ran, ...params } = write();
    const { structuredContent } = await mcp.client.callTool(params);
    expect(structuredContent).toMatchObject({
      status: "refused",
      task_id: taskId,
      error: { code: "scope_missing" },
    });
    const { status, approvals } = await task(own, taskId, own.keys.approver);
    expect([status, approvals]).toEqual(["awaiting_confirmation", []]);
    expect(ran(own)).toBe(false);
  });

  test("somebody else approves: it runs once, with their approval", async () => {
    let taskId = "";
    await using mcp = await connect(gateway, {
      mode,
      key: "trusted",
      answer: async (message) => {
        taskId = taskIdIn(message);
        await approve(gateway, await task(gateway, taskId, gateway.keys.approver));
        return YES;
      },
    });
    const { ran, ...params } = write();
    const { structuredContent } = await mcp.client.callTool(params);
    expect(structuredContent).toMatchObject({ status: "completed" });
    const { approvals } = await task(gateway, taskId, gateway.keys.approver);
    expect(approvals).toMatchObject([{ key_id: "approver" }]);
    expect(approvals).toHaveLength(1);
    expect(ran()).toBe(true);
  });
});

describe("I3 a question of 2026-07-28", () => {
  async function post(of: Gateway, params: Record<string, unknown>) {
    const made = modernCall(1, params, { capabilities: FORM });
    const response = await ask(of, { key: "trusted", ...made });
    return (await response.json()) as {
      result?: { requestState?: string; structuredContent?: Record<string, unknown> };
      error?: { code: number };
    };
  }
  const said = (decision: string) => ({ decision: { action: "accept", content: { decision } } });

  test("is answered once: a yes after a no approves nothing", async () => {
    const { ran, ...params } = write();
    const { result } = await post(gateway, params);
    const again = { ...params, requestState: result?.requestState };
    for (const word of ["reject", "approve", "approve"]) {
      const answer = await post(gateway, { ...again, inputResponses: said(word) });
      expect(answer.result?.structuredContent).toMatchObject({ status: "rejected" });
    }
    expect(ran()).toBe(false);
  });

  test("runs once however often the yes comes", async () => {
    const { ran, ...params } = write();
    const { result } = await post(gateway, params);
    const yes = { ...params, requestState: result?.requestState, inputResponses: said("approve") };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(gateway, yes)));
    const ids = answers.map(({ result }) => result?.structuredContent?.task_id);
    expect(new Set(ids).size).toBe(1);
    const { approvals } = await task(gateway, String(ids[0]), gateway.keys.approver);
    expect(approvals).toHaveLength(1);
    expect(ran()).toBe(true);
  });

  test("counts no more once the plan expired, nor after a restart", async () => {
    await using own = await startGateway({ policy: policy(1), clients: [TRUSTED] });
    const { ran, ...params } = write();
    const { result } = await post(own, params);
    const yes = { ...params, requestState: result?.requestState, inputResponses: said("approve") };
    const status = async () => (await task(own, taskId, own.keys.approver)).status;
    const { tasks } = (
      await call<{ tasks: { task_id: string }[] }>(
        own,
        "GET",
        "/tasks",
        undefined,
        own.keys.approver,
      )
    ).body;
    const taskId = tasks[0]?.task_id ?? "";
    await expect.poll(status, { timeout: 20_000 }).toBe("expired");
    const late = await post(own, yes);
    expect(late.result?.structuredContent).toMatchObject({ status: "expired", task_id: taskId });
    await own.restart();
    expect((await post(own, yes)).error?.code).toBe(-32602);
    expect(ran(own)).toBe(false);
  });
});

function answerTo(of: Gateway, session: string, id: unknown, result: unknown): Promise<Response> {
  return ask(of, { session, key: "trusted", body: { jsonrpc: "2.0", id, result } });
}
