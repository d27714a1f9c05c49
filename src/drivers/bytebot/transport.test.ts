import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Transport } from "./transport.ts";

const LONG = 10_000;
const READ = { timeoutMs: LONG, maxAnswer: 100, mayReuse: true };
const ACT = { ...READ, mayReuse: false };

let server: Server;
let answer: RequestListener;
let transport: Transport;
const bodies: string[] = [];

beforeEach(async () => {
  bodies.length = 0;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      bodies.push(body);
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  transport = new Transport(`http://127.0.0.1:${port}/below/`, "key", LONG);
});
afterEach(async () => {
  await transport[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

test("posts to /computer-use below the URL's own path, with the key", async () => {
  answer = ({ method, url, headers }, response) =>
    response.writeHead(201).end(`${method} ${url} ${headers.authorization}`);
  const { status, body } = await transport.exchange("{}", ACT);
  expect([status, body?.toString()]).toEqual([201, "POST /below/computer-use Bearer key"]);
});

test("an action never goes over a connection that was used before", async () => {
  const seen = new WeakSet<Socket>();
  answer = ({ socket }, response) => {
    // As a server does whose patience with an idle connection ends at this moment.
    if (seen.has(socket)) socket.resetAndDestroy();
    else response.writeHead(201).end();
    seen.add(socket);
  };
  for (let round = 0; round < 3; round++) {
    expect((await transport.exchange("act", ACT)).status).toBe(201);
    await transport.exchange("read", READ).catch(() => {});
  }
  expect(bodies.filter((body) => body === "act")).toHaveLength(3);
});

test("what was given up before it was sent is not sent later", async () => {
  const pending: (() => void)[] = [];
  answer = (_request, response) => pending.push(() => response.writeHead(201).end());
  const arrived = Promise.withResolvers<void>();
  const before = answer;
  answer = (request, response) => {
    before(request, response);
    if (bodies.length === 2) arrived.resolve();
  };
  // As many as there are connections.
  const busy = [transport.exchange("one", ACT), transport.exchange("two", ACT)];
  await arrived.promise;
  await expect(transport.exchange("late", { ...ACT, timeoutMs: 20 })).rejects.toMatchObject({
    wasSent: false,
    isTimeout: true,
  });
  answer = (_request, response) => response.writeHead(201).end();
  for (const finish of pending) finish();
  await Promise.all(busy);
  await transport.exchange("last", ACT);
  expect(bodies).toEqual(["one", "two", "last"]);
});

test("a time-out after it was sent says so", async () => {
  answer = () => {};
  await expect(transport.exchange("x", { ...ACT, timeoutMs: 50 })).rejects.toMatchObject({
    wasSent: true,
    isTimeout: true,
  });
});

test("a body that drips does not get more time", async () => {
  answer = (_request, response) => {
    response.writeHead(201);
    const drip = setInterval(() => response.write("."), 10);
    response.on("close", () => clearInterval(drip));
  };
  await expect(transport.exchange("x", { ...READ, timeoutMs: 80 })).rejects.toMatchObject({
    wasSent: true,
    isTimeout: true,
  });
});

test("nobody listening is known as not sent", async () => {
  server.close();
  await expect(transport.exchange("x", ACT)).rejects.toMatchObject({
    wasSent: false,
    isTimeout: false,
    cause: { code: "ECONNREFUSED" },
  });
});

test("an answer that is too long leaves its status", async () => {
  answer = (_request, response) => response.writeHead(400).end("x".repeat(101));
  expect(await transport.exchange("x", ACT)).toEqual({ status: 400, body: undefined });
});
