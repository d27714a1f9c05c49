import { once } from "node:events";
import { connect } from "node:net";
import { deflateSync } from "node:zlib";
import type { Actor } from "../actor.ts";
import { authenticate, type Key } from "../keys.ts";
import type { Person } from "../person.ts";
import { isOneIn, oneOf, random, type World } from "../world.ts";
import { HEAVY_REQUESTS, WRONG_REQUESTS, type WrongRequest } from "../wrong-requests.ts";

/** Clients that vanish at any point, and requests that are wrong. */
export function rogues(person: Person): readonly Actor[] {
  return [
    { name: "vanishing client", count: 3, thinkMs: 150, act: (world) => vanish(world, person) },
    { name: "garbage", count: 1, thinkMs: 1000, act: sendGarbage },
    {
      name: "wrong request",
      count: 1,
      thinkMs: 200,
      act: (world) => sendWrong(world, WRONG_REQUESTS),
    },
    {
      name: "heavy request",
      count: 1,
      thinkMs: 8000,
      act: (world) => sendWrong(world, HEAVY_REQUESTS),
    },
  ];
}

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
  readonly key?: Key;
  readonly headers?: Readonly<Record<string, string>>;
}

function requests({ keys }: World, { headers }: Person): readonly [Sent, ...Sent[]] {
  const read = JSON.stringify({ action: "fs.read", parameters: { path: "/tmp/small.txt" } });
  const click = { action: "mouse.click", parameters: { coordinates: { x: 9, y: 9 } } };
  const call = { name: "screen_capture", arguments: {} };
  const mcp = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: call });
  const accept = "application/json, text/event-stream";
  const host = { host: "127.0.0.1" };
  return [
    { method: "POST", target: "/plan", body: read, key: keys.default },
    { method: "POST", target: "/plan", body: JSON.stringify(click), key: keys.clicker },
    { method: "POST", target: "/tools/screen_capture", body: "{}", key: keys.chat },
    { method: "POST", target: "/tools/screen_capture", body: "{}", key: keys.chat },
    { method: "POST", target: "/tools/fs_list", body: '{"path":"/tmp"}', key: keys.chat },
    { method: "POST", target: "/tools/wait", body: '{"duration_ms":300}', key: keys.chat },
    { method: "POST", target: "/mcp", body: mcp, key: keys.editor, headers: { ...host, accept } },
    { method: "GET", target: "/tasks?limit=200", key: keys.approver },
    { method: "GET", target: "/audit?limit=1000", key: keys.approver },
    { method: "GET", target: "/events?since=0", key: keys.approver },
    { method: "GET", target: "/openapi.json" },
    { method: "GET", target: "/docs" },
    { method: "GET", target: "/metrics" },
    { method: "GET", target: "/console", headers },
    { method: "GET", target: "/desktops/embedded/picture", headers },
    { method: "GET", target: "/desktops/embedded/vnc", headers: { ...headers, ...UPGRADE } },
  ];
}

const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "c29ha3NvYWtzb2Frc29hazE=",
};

/** Sends a request up to a point, or whole; reads nothing, a little or all; goes politely or not. */
async function vanish(world: World, person: Person): Promise<void> {
  const { method, target, body = "", key, headers } = oneOf(requests(world, person));
  const all = {
    host: `127.0.0.1:${world.port}`,
    ...(body !== "" && { "content-type": "application/json", "content-length": `${body.length}` }),
    ...(key && authenticate(key, method, target, body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const bytes = `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
  const socket = connect(world.port, "127.0.0.1");
  socket.on("error", () => undefined);
  if (isOneIn(3)) {
    socket.write(bytes.slice(0, Math.floor(random(0, bytes.length))));
    await world.pause(random(0, 50));
  } else {
    socket.write(bytes);
    if (isOneIn(2)) await Promise.race([once(socket, "data"), world.pause(500)]).catch(() => {});
    else await world.pause(random(0, 60));
  }
  const leave = oneOf<() => unknown>([
    () => socket.destroy(),
    () => socket.resetAndDestroy(),
    () => socket.end(),
  ]);
  leave();
  if (isOneIn(2)) socket.pause();
  await world.pause(100);
  socket.destroy();
}

async function sendGarbage(world: World): Promise<void> {
  const socket = connect(world.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const bytes = oneOf<string | Buffer>([
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "POST /plan HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`,
    "POST /plan HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    deflateSync(Buffer.from("nothing that is HTTP")),
    "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(200),
  ]);
  socket.write(bytes);
  await world.pause(random(0, 200));
  socket.destroy();
}

async function sendWrong(world: World, kinds: readonly WrongRequest[]): Promise<void> {
  const wrong = kinds[Math.floor(random(0, kinds.length))];
  if (wrong === undefined) return;
  const { method, target, body, headers, expects } = wrong.make(world.keys);
  await world.ask(`wrong: ${wrong.name}`, method, target, {
    ...(body !== undefined && { body }),
    headers,
    expects,
  });
}
