import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { type Gateway, startGateway, type TestClient } from "../support/gateway.ts";
import { connect } from "./mcp-client.ts";
import { ask, begin, initialize, list, modernWait, readEvents, wait } from "./raw-mcp.ts";

const SCOPES = ["plan", "execute", "read"];
const CHAT: TestClient = { id: "chat", scheme: "bearer", scopes: SCOPES };
const OTHER: TestClient = { id: "other", scheme: "bearer", scopes: SCOPES };

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    env: { CORS_ORIGINS: "https://chat.example" },
    clients: [CHAT, OTHER],
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("credentials", () => {
  test("are asked for, as RFC 6750 has it", async () => {
    const none = await ask(gateway, { key: "", body: initialize() });
    expect(none.status).toBe(401);
    expect(none.headers.get("www-authenticate")).toMatch(/^Bearer realm=/);
    const wrong = await ask(gateway, {
      key: "",
      body: initialize(),
      headers: { authorization: "Bearer x" },
    });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toMatch(/^Bearer realm=.*error="invalid_token"/);
  });
});

describe("Origin and Host", () => {
  test.each([
    ["https://evil.example", 403],
    ["null", 403],
    ["http://localhost:5173", 403],
    ["file://", 403],
    ["https://chat.example", 200],
    ["own", 200],
  ])("a page of %s: %i", async (origin, status) => {
    const own = origin === "own" ? gateway.url : origin;
    const response = await ask(gateway, { body: initialize(), headers: { origin: own } });
    expect(response.status).toBe(status);
    for (const method of ["GET", "DELETE"]) {
      const other = await ask(gateway, { method, session: "x", headers: { origin: own } });
      expect(other.status).toBe(status === 200 ? 404 : status);
    }
  });

  test("a browser of an allowed origin may send and read what MCP needs", async () => {
    const preflight = await ask(gateway, {
      method: "OPTIONS",
      key: "",
      headers: {
        origin: "https://chat.example",
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "mcp-session-id",
      },
    });
    expect(preflight.headers.get("access-control-allow-methods")).toContain("DELETE");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("mcp-session-id");
    const headers = { origin: "https://chat.example" };
    const response = await ask(gateway, { body: initialize(), headers });
    expect(response.headers.get("access-control-expose-headers")).toContain("Mcp-Session-Id");
  });
});

describe("sessions", () => {
  test("I13 are their key's alone: another is told there is none", async () => {
    const session = await begin(gateway);
    for (const method of ["POST", "GET", "DELETE"]) {
      const body = method === "POST" ? { body: list(1) } : {};
      expect((await ask(gateway, { method, session, key: "other", ...body })).status).toBe(404);
    }
    expect((await ask(gateway, { session, body: list(1) })).status).toBe(200);
  });

  test("are asked for before 2026-07-28", async () => {
    expect((await ask(gateway, { body: list(1) })).status).toBe(400);
    expect((await ask(gateway, { method: "GET" })).status).toBe(400);
    expect((await ask(gateway, { session: "mcp_unknown", body: list(1) })).status).toBe(404);
  });

  test("end with DELETE", async () => {
    const session = await begin(gateway);
    expect((await ask(gateway, { method: "DELETE", session })).status).toBe(200);
    expect((await ask(gateway, { session, body: list(1) })).status).toBe(404);
  });

  test("end with DELETE, which cancels what is under way, whatever comes after it", async () => {
    await using own = await startGateway({ clients: [CHAT], env: { LOG_LEVEL: "debug" } });
    const [session, other] = [await begin(own), await begin(own)];
    const stream = await ask(own, { session, body: wait(1, 60_000) });
    const { task_id } = await own.logged((line) => line.event === "task_started");
    expect((await ask(own, { method: "DELETE", session })).status).toBe(200);
    const params = { requestId: 1, reason: "no longer wanted" };
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params };
    expect((await ask(own, { session, body: cancel })).status).toBe(404);
    await readEvents(stream);
    await own.logged((line) => line.event === "task_cancelled" && line.task_id === task_id);
    expect(await statusOf(own, String(task_id))).toBe("cancelled");
    // What another session does is its own.
    const begun = own.logs().length;
    const going = await ask(own, { session: other, body: wait(2, 300) });
    await own.logged((line) => line.event === "task_started" && own.logs().indexOf(line) >= begun);
    await ask(own, { method: "DELETE", session: await begin(own) });
    const events = await readEvents(going, (data) => data.includes('"id":2'));
    expect(events.at(-1)?.data).toContain('"status":"completed"');
  });

  test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])(
    "speak %s",
    async (version) => {
      const response = await ask(gateway, { body: initialize(version) });
      expect(await response.text()).toContain(`"protocolVersion":"${version}"`);
    },
  );

  test("have batches in 2025-03-26 and in no other version", async () => {
    const batch = [list(1), list(2)];
    const old = await ask(gateway, {
      session: await begin(gateway, { version: "2025-03-26" }),
      body: batch,
    });
    const answers = (await readEvents(old)).map(({ data }) => JSON.parse(data).id);
    expect(answers.sort()).toEqual([1, 2]);
    const present = await ask(gateway, { session: await begin(gateway), body: batch });
    expect(present.status).toBe(400);
    expect((await ask(gateway, { body: [initialize()] })).status).toBe(400);
  });

  test("are bounded for each key: the longest unused ends", async () => {
    await using own = await startGateway({ clients: [CHAT] });
    const first = await begin(own);
    for (let count = 0; count < 32; count++) await begin(own);
    expect((await ask(own, { session: first, body: list(1) })).status).toBe(404);
  });

  test("resume a stream that broke off where the client was", async () => {
    const session = await begin(gateway);
    const headers = { "mcp-protocol-version": "2025-11-25" };
    const gone = new AbortController();
    const broken = await ask(gateway, {
      session,
      body: wait(7, 700),
      headers,
      signal: gone.signal,
    });
    const [first] = await readEvents(broken, () => true);
    gone.abort();
    const resumed = await ask(gateway, {
      method: "GET",
      session,
      headers: { ...headers, "last-event-id": first?.id ?? "" },
    });
    expect(resumed.status).toBe(200);
    const events = await readEvents(resumed, (data) => data.includes('"id":7'));
    expect(events.at(-1)?.data).toContain('"status":"completed"');
    const unknown = { "last-event-id": "e999" };
    expect((await ask(gateway, { method: "GET", session, headers: unknown })).status).toBe(400);
  });

  test("speak 2026-07-28 to a client that can, without any", async () => {
    await using mcp = await connect(gateway, { key: "chat" });
    await mcp.client.listTools();
    expect(mcp.transport.sessionId).toBeUndefined();
  });
});

describe("I15 a key that is revoked", () => {
  test("has no session and no stream any more", async () => {
    await using own = await startGateway({ clients: [CHAT, OTHER] });
    const session = await begin(own);
    await using modern = await connect(own, { key: "chat" });
    const listening = await modern.client.listen({ toolsListChanged: true });
    const streams = [
      await ask(own, { method: "GET", session }),
      await ask(own, { session, body: wait(1, 60_000) }),
      await ask(own, { ...modernWait(2) }),
    ];
    own.writeClients([OTHER]);
    await own.logged((line) => line.msg === "key revoked");
    for (const stream of streams) await readEvents(stream);
    await listening.closed;
    expect((await ask(own, { session, body: list(1) })).status).toBe(401);
    own.writeClients([CHAT, OTHER]);
    await own.logged((line) => line.msg === "keys reloaded");
    await expect
      .poll(async () => (await ask(own, { session, body: list(1) })).status, { timeout: 20_000 })
      .toBe(404);
  });
});

describe("the end of the gateway", () => {
  test("ends streams at once and cancels no task", async () => {
    await using own = await startGateway({ clients: [CHAT], env: { LOG_LEVEL: "debug" } });
    const session = await begin(own);
    const stream = await ask(own, { method: "GET", session });
    const call = await ask(own, { session, body: wait(1, 60_000) });
    const { task_id } = await own.logged((line) => line.event === "task_started");
    const exited = own.stop();
    await Promise.all([readEvents(stream), readEvents(call)]);
    expect((await exited).code).toBe(0);
    await own.start();
    const task = await statusOf(own, String(task_id));
    expect(task).toBe("interrupted");
  });
});

async function statusOf(own: Gateway, taskId: string): Promise<string> {
  const { body } = await call<{ status: string }>(
    own,
    "GET",
    `/tasks/${taskId}`,
    undefined,
    own.keys.chat,
  );
  return body.status;
}

test("a change of policy is told to who listens", async () => {
  await using own = await startGateway({ clients: [CHAT] });
  const changed = Promise.withResolvers<void>();
  await using mcp = await connect(own, { key: "chat", mode: "legacy" });
  mcp.client.setNotificationHandler("notifications/tools/list_changed", () => changed.resolve());
  own.writePolicy({ capabilities: { "fs.read": { enabled: true, allowed_paths: ["/tmp"] } } });
  await own.logged((line) => line.msg === "policy reloaded");
  await changed.promise;
  const { tools } = await mcp.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["fs_read", "run_plan", "task_status"]);
});

test("I10 a body that is no message is refused, whatever it is", async () => {
  const session = await begin(gateway);
  for (const body of [1, "x", null, {}, [], [[]], { jsonrpc: "2.0" }, { jsonrpc: "1.0", id: 1 }]) {
    const response = await ask(gateway, { session, body });
    expect([response.status, body]).toEqual([400, body]);
  }
});
