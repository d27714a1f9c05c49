import { setTimeout as pause } from "node:timers/promises";
import type { Actor } from "../actor.ts";
import { type Answer, isOneIn, oneOf, random, type World } from "../world.ts";

/** Chats and agents: the OpenAPI tools with their cards, and MCP in sessions and without. */
export const MODEL_ACTORS: readonly Actor[] = [
  { name: "chat", count: 2, thinkMs: 500, act: callTools },
  { name: "chat that looks", count: 2, thinkMs: 1500, act: lookWithTool },
  { name: "chat that asks a person", count: 1, thinkMs: 2000, act: showCard },
  { name: "editor", count: 2, thinkMs: 2000, act: useSession },
  { name: "agent without sessions", count: 1, thinkMs: 700, act: callWithoutSession },
];

async function callTools(world: World): Promise<void> {
  const key = world.keys.chat;
  if (isOneIn(5)) await world.ask("tools document", "GET", "/tools/openapi.json");
  const [tool, body] = oneOf<[string, unknown]>([
    ["fs_read", { path: "/tmp/small.txt", surprise: true }],
    ["fs_list", { path: "/tmp" }],
    ["fs_list", { path: "/tmp" }],
    ["screen_cursor", {}],
  ]);
  world.meter.waitsOnPurpose("tool screen_cursor");
  await world.ask(`tool ${tool}`, "POST", `/tools/${tool}`, { key, body });
}

/** Read at once, read slowly, or not awaited. */
async function lookWithTool(world: World): Promise<void> {
  const ask = { key: world.keys.chat, body: {} };
  const target = "/tools/screen_capture";
  // A desktop is one task's at a time: a picture waits for the click before it.
  for (const kind of ["tool picture", "mcp picture"]) world.meter.waitsOnPurpose(kind);
  if (isOneIn(4)) {
    world.meter.waitsOnPurpose("tool picture, read slowly");
    await world.ask("tool picture, read slowly", "POST", target, { ...ask, sipMs: 20 });
  } else if (isOneIn(3)) {
    const signal = AbortSignal.timeout(Math.ceil(random(1, 120)));
    await world.ask("tool picture", "POST", target, { ...ask, signal });
  } else {
    const answer = await world.ask("tool picture", "POST", target, ask);
    if (answer?.status === 200) checkPicture(answer);
  }
}

/** A call that a stop has ended says so in JSON. */
function checkPicture({ headers, body }: Answer): void {
  if (headers["content-type"] === "image/png" || body.includes('"cancelled"')) return;
  throw new Error(`a picture came as ${headers["content-type"]}: ${body.toString("utf8", 0, 200)}`);
}

async function showCard(world: World): Promise<void> {
  const key = world.keys.chat;
  const body = { path: "/tmp/from-a-chat.txt", content: "hello", mode: "overwrite" };
  const called = await world.ask("tool that asks", "POST", "/tools/fs_write", { key, body });
  const token = String(called?.headers.location ?? "").split("#")[1];
  if (token === undefined) return;
  await world.ask("card page", "GET", "/cards");
  const opened = await world.ask("card", "POST", "/cards/open", {
    body: { token: token.replace(/^.*=/, "") },
  });
  const session = opened?.status === 200 ? opened.json().session : undefined;
  if (session === undefined) return;
  const state = await world.ask("card", "POST", "/cards/state", { body: { session } });
  if (state?.status !== 200) return;
  world.meter.waitsOnPurpose("card that waits");
  await world.ask("card that waits", "POST", "/cards/state", {
    body: { session, seen: state.json().state },
  });
}

const ACCEPT = { accept: "application/json, text/event-stream" };
const VERSION = "2025-11-25";
const call = (id: number, name: string, args: unknown) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

/** A session: its tools, calls, a stream beside them; it ends politely, or while a call runs, or not at all. */
async function useSession(world: World): Promise<void> {
  const key = world.keys.editor;
  const send = (kind: string, body: unknown, session?: string, signal?: AbortSignal) =>
    world.ask(kind, "POST", "/mcp", {
      key,
      body,
      headers: {
        ...ACCEPT,
        ...(session && { "mcp-session-id": session, "mcp-protocol-version": VERSION }),
      },
      expects: session === undefined ? ["200"] : ["200", "202", "404"],
      ...(signal && { signal }),
    });
  const clientInfo = { name: "soak", version: "1" };
  const begun = await send("mcp initialize", {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion: VERSION, capabilities: {}, clientInfo },
  });
  const session = begun?.headers["mcp-session-id"];
  if (typeof session !== "string") return;
  await send("mcp notify", { jsonrpc: "2.0", method: "notifications/initialized" }, session);
  const following = new AbortController();
  void world.ask("mcp stream", "GET", "/mcp", {
    key,
    headers: { accept: "text/event-stream", "mcp-session-id": session },
    expects: ["200", "404"],
    signal: following.signal,
  });
  world.meter.waitsOnPurpose("mcp stream");
  try {
    await send("mcp list", { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }, session);
    checkCall(await send("mcp call", call(2, "fs_read", { path: "/tmp/small.txt" }), session));
    checkCall(await send("mcp picture", call(3, "screen_capture", {}), session));
    const end = oneOf<(() => Promise<void>) | undefined>([
      () => endInFlight(world, session, send),
      () => endSession(world, session),
      undefined,
    ]);
    await end?.();
  } finally {
    following.abort();
  }
}

/** A call that takes long is cut short: by the end of its session, a cancel, or a lost connection. */
async function endInFlight(
  world: World,
  session: string,
  send: (
    kind: string,
    body: unknown,
    session?: string,
    signal?: AbortSignal,
  ) => Promise<Answer | undefined>,
): Promise<void> {
  world.meter.waitsOnPurpose("mcp call cut short");
  const lost = new AbortController();
  const running = send(
    "mcp call cut short",
    call(4, "wait", { duration_ms: 3000 }),
    session,
    lost.signal,
  );
  await pause(random(0, 150));
  const cancel = { method: "notifications/cancelled", params: { requestId: 4 } };
  if (isOneIn(3)) await send("mcp notify", { jsonrpc: "2.0", ...cancel }, session);
  if (isOneIn(2)) lost.abort();
  await endSession(world, session);
  if (!isOneIn(2)) lost.abort();
  await running;
}

async function endSession(world: World, session: string): Promise<void> {
  await world.ask("mcp end", "DELETE", "/mcp", {
    key: world.keys.editor,
    headers: { "mcp-session-id": session, "mcp-protocol-version": VERSION },
    expects: ["200", "404"],
  });
}

async function callWithoutSession(world: World): Promise<void> {
  const [name, args] = oneOf<[string, unknown]>([
    ["fs_list", { path: "/tmp" }],
    ["fs_read", { path: "/tmp/small.txt" }],
    ["screen_capture", {}],
  ]);
  const meta = "io.modelcontextprotocol/";
  const message = call(1, name, args);
  const _meta = {
    [`${meta}protocolVersion`]: "2026-07-28",
    [`${meta}clientInfo`]: { name: "soak", version: "1" },
    [`${meta}clientCapabilities`]: {},
  };
  const kind = name === "screen_capture" ? "mcp picture" : "mcp call";
  const vanishes = isOneIn(5);
  const answer = await world.ask(kind, "POST", "/mcp", {
    key: world.keys.api,
    body: { ...message, params: { ...message.params, _meta } },
    headers: {
      ...ACCEPT,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
    },
    ...(vanishes && { signal: AbortSignal.timeout(Math.ceil(random(1, 60))) }),
  });
  checkCall(answer);
}

function checkCall(answer: Answer | undefined): void {
  if (answer?.status !== 200) return;
  const text = answer.body.toString();
  // While everything is stopped a call is refused in its own way.
  if (!text.includes('"content":[') && !text.includes('"code":"stopped"')) {
    throw new Error(`a call was answered with ${text.slice(0, 200)}`);
  }
}
