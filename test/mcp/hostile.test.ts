import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { openSocket, rawRequest } from "../support/raw-socket.ts";
import { ask, begin, callTool, initialize, list, modernWait, readEvents, wait } from "./raw-mcp.ts";

/** I10: what a client may send that no client library sends, and what it costs. */
const SCOPES = ["plan", "execute", "read"];

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    // Tasks whose clients have gone take a moment to end; meanwhile they are no reason to refuse others.
    policy: { ...DEFAULT_POLICY, security: { max_queued_tasks: 1000 } },
    clients: [
      { id: "chat", scheme: "bearer", scopes: SCOPES },
      { id: "other", scheme: "bearer", scopes: SCOPES },
      { id: "greedy", scheme: "bearer", scopes: SCOPES },
    ],
  });
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** It still answers, and nothing in its log says that it broke. */
async function expectSound(): Promise<void> {
  const session = await begin(gateway);
  const answer = await ask(gateway, { session, body: list(1) });
  expect(await answer.text()).toContain("fs_read");
  expect(gateway.logs().filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
}

describe("I10 messages that are none", () => {
  test.each<[string, string, number]>([
    ["no JSON", "{", 400],
    ["nothing", "", 400],
    ["deep nesting", "[".repeat(50_000) + "]".repeat(50_000), 400],
    ["a key twice", '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}', 400],
    ["a prototype", '{"jsonrpc":"2.0","id":1,"method":"tools/list","__proto__":{}}', 400],
    ["an id that is no id", '{"jsonrpc":"2.0","id":{},"method":"tools/list"}', 400],
    ["an id that is null", '{"jsonrpc":"2.0","id":null,"method":"tools/list"}', 400],
    [
      "parameters that are none",
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}',
      400,
    ],
  ])("%s", async (_, body, status) => {
    const session = await begin(gateway);
    expect((await ask(gateway, { session, body })).status).toBe(status);
    expect((await ask(gateway, { body })).status).toBe(status);
    await expectSound();
  });

  test.each<[string, Record<string, unknown>]>([
    ["a method that is not there", { method: "tasks/confirm" }],
    ["a prototype's method", { method: "__proto__" }],
    ["a tool without a name", { method: "tools/call", params: {} }],
    ["a tool whose name is none", { method: "tools/call", params: { name: ["fs_read"] } }],
    [
      "arguments that are a list",
      { method: "tools/call", params: { name: "wait", arguments: [] } },
    ],
    ["arguments that are text", { method: "tools/call", params: { name: "wait", arguments: "x" } }],
  ])("%s", async (_, message) => {
    const session = await begin(gateway);
    const answer = await ask(gateway, { session, body: { jsonrpc: "2.0", id: 1, ...message } });
    const [event] = (await readEvents(answer)).filter(({ data }) => data !== "");
    expect(JSON.parse(event?.data ?? "")).toMatchObject({
      id: 1,
      error: { code: expect.any(Number) },
    });
    await expectSound();
  });

  test("arguments of the wrong kind are refused by the tool, in words", async () => {
    const session = await begin(gateway);
    for (const args of [{}, { path: 1 }, { path: ["/tmp/a.txt"] }, { path: "/tmp/\u0000" }]) {
      const answer = await ask(gateway, { session, body: callTool(1, "fs_read", args) });
      expect(await answer.text()).toMatch(/"status":"refused".*"isError":true/);
    }
    await expectSound();
  });

  test("answers that nobody asked for, and a request that is cancelled before it came", async () => {
    const session = await begin(gateway);
    for (const body of [
      { jsonrpc: "2.0", id: 99, result: { action: "accept", content: { decision: "approve" } } },
      { jsonrpc: "2.0", id: 99, error: { code: 1, message: "x" } },
      { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 77 } },
      {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: 1, progress: 1 },
      },
      { jsonrpc: "2.0", method: "notifications/none" },
    ]) {
      expect((await ask(gateway, { session, body })).status).toBe(202);
    }
    await expectSound();
  });

  test("headers that are none", async () => {
    const session = await begin(gateway);
    const odd = (headers: Record<string, string>, method = "POST") =>
      ask(gateway, { method, session, headers, ...(method === "POST" && { body: list(1) }) });
    expect((await odd({ accept: "text/html" })).status).toBe(406);
    expect((await odd({ accept: "text/html" }, "GET")).status).toBe(406);
    expect((await odd({ "content-type": "text/plain" })).status).toBe(415);
    expect((await odd({ "mcp-protocol-version": "2099-01-01" })).status).toBe(400);
    expect((await odd({ "last-event-id": "e1\tx" }, "GET")).status).toBe(400);
    expect((await ask(gateway, { session: "x".repeat(5_000), body: list(1) })).status).toBe(404);
    await expectSound();
  });

  test("a Host that is not the gateway's", async () => {
    const body = JSON.stringify(initialize());
    const { status } = await rawRequest(
      gateway,
      `POST /mcp HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer ${gateway.keys.chat?.token}\r\n` +
        `Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(status).toBe(403);
  });
});

test("I10 a body over the limit is refused before it came", async () => {
  const { status } = await rawRequest(
    gateway,
    `POST /mcp HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nAuthorization: Bearer ${gateway.keys.chat?.token}\r\n` +
      "Content-Type: application/json\r\nContent-Length: 40000000\r\n\r\n{",
  );
  expect(status).toBe(413);
  await expectSound();
});

describe("I10 batches", () => {
  test("have up to 20 messages, each of which counts", async () => {
    const session = await begin(gateway, { version: "2025-03-26" });
    const batch = (size: number) => Array.from({ length: size }, (_, id) => list(id));
    const answers = await readEvents(await ask(gateway, { session, body: batch(20) }));
    expect(answers.filter(({ data }) => data !== "")).toHaveLength(20);
    expect((await ask(gateway, { session, body: batch(21) })).status).toBe(400);
    const own = await startGateway({
      policy: {
        capabilities: { wait: { enabled: true } },
        security: { rate_limit_per_minute: 20 },
      },
      clients: [{ id: "chat", scheme: "bearer", scopes: SCOPES }],
    });
    await using _ = own;
    const limited = await begin(own, { version: "2025-03-26" });
    expect((await ask(own, { session: limited, body: batch(20) })).status).toBe(429);
  });
});

describe("I13 another's", () => {
  test("stream is resumed by nobody else: an event's id means something in its session alone", async () => {
    const mine = await begin(gateway);
    const headers = { "mcp-protocol-version": "2025-11-25" };
    const gone = new AbortController();
    const body = wait(7, 60_000);
    const call = await ask(gateway, { session: mine, body, headers, signal: gone.signal });
    const [first] = await readEvents(call, () => true);
    gone.abort();
    const resume = { ...headers, "last-event-id": first?.id ?? "" };
    const others = [
      { session: mine, key: "other", status: 404 },
      { session: await begin(gateway, { key: "other" }), key: "other", status: 400 },
      { session: await begin(gateway), status: 400 },
    ];
    for (const { status, ...who } of others) {
      const answer = await ask(gateway, { method: "GET", ...who, headers: resume });
      expect(answer.status).toBe(status);
    }
    const cancel = { method: "notifications/cancelled", params: { requestId: 7 } };
    await ask(gateway, { session: mine, body: { jsonrpc: "2.0", ...cancel } });
  });

  test("call is not cancelled by a session of another key", async () => {
    const mine = await begin(gateway);
    const strange = await begin(gateway, { key: "other" });
    const call = await ask(gateway, { session: mine, body: wait(8, 500) });
    const cancel = { method: "notifications/cancelled", params: { requestId: 8 } };
    await ask(gateway, { session: strange, key: "other", body: { jsonrpc: "2.0", ...cancel } });
    expect(JSON.stringify(await readEvents(call))).toContain("completed");
  });

  test("key is not kept out by one that holds 64 streams open and reads none", async () => {
    const session = await begin(gateway, { key: "greedy" });
    const sockets = [];
    const head = (length: number) =>
      `POST /mcp HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nAuthorization: Bearer ${gateway.keys.greedy?.token}\r\n` +
      `Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n` +
      `Mcp-Session-Id: ${session}\r\nContent-Length: ${length}\r\n\r\n`;
    for (let id = 100; id < 164; id++) {
      const body = JSON.stringify(wait(id, 60_000));
      const socket = await openSocket(gateway);
      sockets.push(socket.on("error", () => undefined));
      const answered = once(socket, "data");
      socket.write(head(body.length) + body);
      const [chunk] = await answered;
      expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
      socket.pause();
    }
    const full = await ask(gateway, { session, key: "greedy", body: list(1) });
    expect(full.status).toBe(429);
    expect(full.headers.get("retry-after")).toBe("5");
    await expectSound();
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(async () => (await ask(gateway, { session, key: "greedy", body: list(1) })).status, {
        timeout: 20_000,
      })
      .toBe(200);
    for (let requestId = 100; requestId < 164; requestId++) {
      const cancel = { method: "notifications/cancelled", params: { requestId } };
      await ask(gateway, { session, key: "greedy", body: { jsonrpc: "2.0", ...cancel } });
    }
  });
});

test("what its clients gave up counts no more, in a session or without", async () => {
  const session = await begin(gateway, { key: "other" });
  const status = async () => (await ask(gateway, { session, key: "other", body: list(1) })).status;
  for (const waitFor of [(id: number) => ({ session, body: wait(id, 60_000) }), modernWait]) {
    const gone = new AbortController();
    const answers = Promise.allSettled(
      // More than the limit: the question how it stands may take one of the places.
      Array.from({ length: 80 }, (_, id) =>
        ask(gateway, { ...waitFor(id + 200), key: "other", signal: gone.signal }),
      ),
    );
    await expect.poll(status, { timeout: 20_000 }).toBe(429);
    gone.abort();
    await answers;
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
  }
});
