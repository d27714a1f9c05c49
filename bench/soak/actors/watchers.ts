import { connect, type Socket } from "node:net";
import type { Actor } from "../actor.ts";
import { authenticate, type Key } from "../keys.ts";
import { isOneIn, oneOf, random, type World } from "../world.ts";

/** Event streams: most are read, some never, some are left at once. */
export const WATCHERS: readonly Actor[] = [
  { name: "subscriber", count: 12, thinkMs: 500, act: subscribe },
  { name: "subscriber that never reads", count: 6, thinkMs: 500, act: stall },
  { name: "subscriber that comes and goes", count: 2, thinkMs: 400, act: glance },
];

const IDLE_MS = 10_000;

async function subscribe(world: World, index: number): Promise<void> {
  const key = index % 3 === 0 ? undefined : oneOf([world.keys.watcher, world.keys.approver]);
  const socket = follow(world, isOneIn(4) ? "/events?since=0" : "/events", key ? { key } : {});
  await world.pause(random(0.2, 2) * IDLE_MS);
  socket.destroy();
}

/** Asks for all there is, and takes nothing of it. */
async function stall(world: World, index: number): Promise<void> {
  const socket = follow(
    world,
    "/events?since=0",
    index % 2 === 0 ? {} : { key: world.keys.approver },
  );
  socket.pause();
  await world.pause(random(1, 3) * IDLE_MS);
  socket.destroy();
}

async function glance(world: World): Promise<void> {
  const socket = follow(world, "/events", { key: world.keys.api });
  await world.pause(random(0, 30));
  if (isOneIn(2)) socket.resetAndDestroy();
  else socket.end();
}

/** A stream on a socket of its own; what comes is dropped, a refusal is a complaint. */
export function follow(
  world: World,
  target: string,
  { key, headers = {} }: { key?: Key; headers?: Readonly<Record<string, string>> },
): Socket {
  const all = {
    host: `127.0.0.1:${world.port}`,
    ...(key && authenticate(key, "GET", target, "")),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(world.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.once("data", (chunk: Buffer) => {
    const head = chunk.toString("latin1", 0, 12);
    if (head !== "HTTP/1.1 200") world.meter.complain(`GET /events: ${head}`);
  });
  socket.on("data", () => undefined);
  socket.write(`GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return socket;
}
