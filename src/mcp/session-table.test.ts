import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import type { ServerDeps } from "./create-server.ts";
import { SessionTable } from "./session-table.ts";

const MINUTE = 60_000;
let now = 0;
let table: SessionTable | undefined;
afterEach(() => {
  table?.close();
  now = 0;
});

/** What a session itself needs; no call is made in these tests. */
const DEPS = {
  version: "1",
  log: pino({ enabled: false }),
  codec: { mint: async () => "", verify: async () => ({}) },
  isClosing: () => false,
} as unknown as ServerDeps;

function createTable(): SessionTable {
  table = new SessionTable(DEPS, () => now);
  return table;
}

/** A session after its `initialize`. */
async function begin(sessions: SessionTable, keyId = "chat") {
  const session = await sessions.begin(keyId);
  const request = new Request("http://localhost/mcp", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
  });
  const clientInfo = { name: "test", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  const parsedBody = { jsonrpc: "2.0", id: 0, method: "initialize", params };
  const response = await session.transport.handleRequest(request, { parsedBody });
  await response.text();
  return { session, id: response.headers.get("mcp-session-id") ?? "" };
}

const refused = expect.objectContaining({ code: "not_found" });

test("a session unused for half an hour ends; one in use does not", async () => {
  const sessions = createTable();
  const idle = await begin(sessions);
  const used = await begin(sessions);
  const use = sessions.use(used.session);
  now = 30 * MINUTE - 1;
  sessions.endIdle();
  expect(sessions.find(idle.id, "chat")).toBe(idle.session);
  now = 30 * MINUTE;
  sessions.endIdle();
  expect(() => sessions.find(idle.id, "chat")).toThrow(refused);
  now = 300 * MINUTE;
  sessions.endIdle();
  expect(sessions.find(used.id, "chat")).toBe(used.session);
  use[Symbol.dispose]();
  use[Symbol.dispose]();
  now = 330 * MINUTE - 1;
  sessions.endIdle();
  expect(sessions.size).toBe(1);
  now = 330 * MINUTE;
  sessions.endIdle();
  expect(sessions.size).toBe(0);
});

test("I13 a session is found by its own key alone, and a full key ends none of another's", async () => {
  const sessions = createTable();
  const other = await begin(sessions, "other");
  const first = await begin(sessions);
  expect(() => sessions.find(other.id, "chat")).toThrow(refused);
  for (let count = 1; count < 32; count++) await begin(sessions);
  expect(sessions.find(first.id, "chat")).toBe(first.session);
  await begin(sessions);
  expect(() => sessions.find(first.id, "chat")).toThrow(refused);
  expect(sessions.find(other.id, "other")).toBe(other.session);
  expect(sessions.size).toBe(33);
});

test("where a key is full the longest unused goes, one in use last", async () => {
  const sessions = createTable();
  const open = await begin(sessions);
  sessions.use(open.session);
  const idle: Awaited<ReturnType<typeof begin>>[] = [];
  for (now = 1; now < 32; now++) idle.push(await begin(sessions));
  await begin(sessions);
  expect(() => sessions.find(idle[0]?.id ?? "", "chat")).toThrow(refused);
  expect(sessions.find(open.id, "chat")).toBe(open.session);
  expect(sessions.find(idle[1]?.id ?? "", "chat")).toBe(idle[1]?.session);
});

test("I15 the end of a key ends its sessions and their streams", async () => {
  const sessions = createTable();
  const { session, id } = await begin(sessions);
  const other = await begin(sessions, "other");
  const headers = { accept: "text/event-stream", "mcp-session-id": id };
  const request = new Request("http://localhost/mcp", { headers });
  const stream = await session.transport.handleRequest(request);
  expect(stream.status).toBe(200);
  sessions.endKey("chat");
  expect(await stream.text()).toBe("");
  expect(() => sessions.find(id, "chat")).toThrow(refused);
  expect((await session.transport.handleRequest(request)).status).toBe(404);
  expect(sessions.find(other.id, "other")).toBe(other.session);
});

test("I10 what the sessions of a key sent is bounded together; the newest keeps its own", async () => {
  const sessions = createTable();
  const MEGABYTE = 1024 * 1024;
  const params = { text: "x".repeat(4 * MEGABYTE - 1000) };
  const store = ({ session }: Awaited<ReturnType<typeof begin>>) =>
    session.events.storeEvent("a", { jsonrpc: "2.0", method: "x", params });
  const all = [];
  const other = await begin(sessions, "other");
  await store(other);
  for (now = 1; now <= 9; now++) {
    const next = await begin(sessions);
    await store(next);
    all.push(next);
  }
  const sizes = all.map(({ session }) => session.events.bytes > 0);
  expect(sizes).toEqual([false, ...Array.from({ length: 8 }, () => true)]);
  expect(other.session.events.bytes).toBeGreaterThan(0);
});
