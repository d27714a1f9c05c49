import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { type Gateway, startGateway, type TestClient } from "../support/gateway.ts";
import { connect } from "./mcp-client.ts";

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

const initialize = (protocolVersion = "2025-11-25") => ({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "raw", version: "1" } },
});
const list = (id: number) => ({ jsonrpc: "2.0", id, method: "tools/list", params: {} });
const wait = (id: number, duration_ms: number) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name: "wait", arguments: { duration_ms } },
});

/** A call of 2026-07-28, answered by a stream as it makes progress. */
const modernWait = (id: number) => {
  const { params, ...message } = wait(id, 60_000);
  const meta = "io.modelcontextprotocol/";
  const _meta = {
    progressToken: id,
    [`${meta}protocolVersion`]: "2026-07-28",
    [`${meta}clientInfo`]: { name: "raw", version: "1" },
    [`${meta}clientCapabilities`]: {},
  };
  return {
    body: { ...message, params: { ...params, _meta } },
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "wait",
    },
  };
};

interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly session?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly of?: Gateway;
}

function ask({ method = "POST", body, session, key = "chat", headers, signal, of = gateway }: Ask) {
  return fetch(`${of.url}/mcp`, {
    method,
    headers: {
      accept: "application/json, text/event-stream",
      ...(key !== "" && { authorization: `Bearer ${of.keys[key]?.token}` }),
      ...(session && { "mcp-session-id": session }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
}

async function begin(version?: string, of = gateway): Promise<string> {
  const response = await ask({ body: initialize(version), of });
  await response.text();
  const session = response.headers.get("mcp-session-id") ?? "";
  expect(session).toMatch(/^mcp_[A-Za-z0-9_-]{22}$/);
  await ask({ session, body: { jsonrpc: "2.0", method: "notifications/initialized" }, of });
  return session;
}

/** Events of a stream, up to one that the test accepts or to its end. */
async function readEvents(response: Response, enough: (data: string) => boolean = () => false) {
  const events: { id: string; data: string }[] = [];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    text += value ?? "";
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const id = part.match(/^id: (.*)$/m)?.[1] ?? "";
      const data = part.match(/^data: (.*)$/m)?.[1] ?? "";
      events.push({ id, data });
    }
    if (done || events.some(({ data }) => enough(data))) {
      await reader?.cancel();
      return events;
    }
  }
}

describe("credentials", () => {
  test("are asked for, as RFC 6750 has it", async () => {
    const none = await ask({ key: "", body: initialize() });
    expect(none.status).toBe(401);
    expect(none.headers.get("www-authenticate")).toMatch(/^Bearer realm=/);
    const wrong = await ask({
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
    const response = await ask({ body: initialize(), headers: { origin: own } });
    expect(response.status).toBe(status);
    for (const method of ["GET", "DELETE"]) {
      const other = await ask({ method, session: "x", headers: { origin: own } });
      expect(other.status).toBe(status === 200 ? 404 : status);
    }
  });

  test("a browser of an allowed origin may send and read what MCP needs", async () => {
    const preflight = await ask({
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
    const response = await ask({ body: initialize(), headers });
    expect(response.headers.get("access-control-expose-headers")).toContain("Mcp-Session-Id");
  });
});

describe("sessions", () => {
  test("I13 are their key's alone: another is told there is none", async () => {
    const session = await begin();
    for (const method of ["POST", "GET", "DELETE"]) {
      const body = method === "POST" ? { body: list(1) } : {};
      expect((await ask({ method, session, key: "other", ...body })).status).toBe(404);
    }
    expect((await ask({ session, body: list(1) })).status).toBe(200);
  });

  test("are asked for before 2026-07-28", async () => {
    expect((await ask({ body: list(1) })).status).toBe(400);
    expect((await ask({ method: "GET" })).status).toBe(400);
    expect((await ask({ session: "mcp_unknown", body: list(1) })).status).toBe(404);
  });

  test("end with DELETE", async () => {
    const session = await begin();
    expect((await ask({ method: "DELETE", session })).status).toBe(200);
    expect((await ask({ session, body: list(1) })).status).toBe(404);
  });

  test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])(
    "speak %s",
    async (version) => {
      const response = await ask({ body: initialize(version) });
      expect(await response.text()).toContain(`"protocolVersion":"${version}"`);
    },
  );

  test("have batches in 2025-03-26 and in no other version", async () => {
    const batch = [list(1), list(2)];
    const old = await ask({ session: await begin("2025-03-26"), body: batch });
    const answers = (await readEvents(old)).map(({ data }) => JSON.parse(data).id);
    expect(answers.sort()).toEqual([1, 2]);
    const present = await ask({ session: await begin(), body: batch });
    expect(present.status).toBe(400);
    expect((await ask({ body: [initialize()] })).status).toBe(400);
  });

  test("are bounded for each key: the longest unused ends", async () => {
    await using own = await startGateway({ clients: [CHAT] });
    const first = await begin(undefined, own);
    for (let count = 0; count < 32; count++) await begin(undefined, own);
    expect((await ask({ session: first, body: list(1), of: own })).status).toBe(404);
  });

  test("resume a stream that broke off where the client was", async () => {
    const session = await begin();
    const headers = { "mcp-protocol-version": "2025-11-25" };
    const gone = new AbortController();
    const broken = await ask({ session, body: wait(7, 700), headers, signal: gone.signal });
    const [first] = await readEvents(broken, () => true);
    gone.abort();
    const resumed = await ask({
      method: "GET",
      session,
      headers: { ...headers, "last-event-id": first?.id ?? "" },
    });
    expect(resumed.status).toBe(200);
    const events = await readEvents(resumed, (data) => data.includes('"id":7'));
    expect(events.at(-1)?.data).toContain('"status":"completed"');
    const unknown = { "last-event-id": "e999" };
    expect((await ask({ method: "GET", session, headers: unknown })).status).toBe(400);
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
    const session = await begin(undefined, own);
    await using modern = await connect(own, { key: "chat" });
    const listening = await modern.client.listen({ toolsListChanged: true });
    const streams = [
      await ask({ method: "GET", session, of: own }),
      await ask({ session, body: wait(1, 60_000), of: own }),
      await ask({ ...modernWait(2), of: own }),
    ];
    own.writeClients([OTHER]);
    await own.logged((line) => line.msg === "key revoked");
    for (const stream of streams) await readEvents(stream);
    await listening.closed;
    expect((await ask({ session, body: list(1), of: own })).status).toBe(401);
    own.writeClients([CHAT, OTHER]);
    await own.logged((line) => line.msg === "keys reloaded");
    await expect
      .poll(async () => (await ask({ session, body: list(1), of: own })).status)
      .toBe(404);
  });
});

describe("the end of the gateway", () => {
  test("ends streams at once and cancels no task", async () => {
    await using own = await startGateway({ clients: [CHAT], env: { LOG_LEVEL: "debug" } });
    const session = await begin(undefined, own);
    const stream = await ask({ method: "GET", session, of: own });
    const call = await ask({ session, body: wait(1, 60_000), of: own });
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
  const session = await begin();
  for (const body of [1, "x", null, {}, [], [[]], { jsonrpc: "2.0" }, { jsonrpc: "1.0", id: 1 }]) {
    const response = await ask({ session, body });
    expect([response.status, body]).toEqual([400, body]);
  }
});
