import { statSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import {
  fetchThrough,
  openTunnel,
  PUBLIC,
  PUBLIC_6,
  restOf,
  speak,
  startBench,
  startSite,
} from "../../../../test/support/drivers/embedded/egress/fixtures.ts";
import type { EgressDecision } from "./egress-gate.ts";
import { startEgressProxy } from "./egress-proxy.ts";
import { ownEndpoints } from "./own-endpoints.ts";

const onlyGood = ({ host }: { host: string }): EgressDecision =>
  host === "good.test" ? { allowed: true } : { allowed: false, reason: `${host} is not listed` };

describe("a domain", () => {
  test("that is allowed answers, by request and by tunnel", async () => {
    await using site = await startSite();
    await using bench = await startBench({ decide: onlyGood });
    const answer = await fetchThrough(bench.proxy, `http://good.test:${site.port}/a?b`);
    expect(answer).toMatchObject({ status: 200, body: "secret" });
    const { status, socket } = await openTunnel(bench.proxy, `good.test:${site.port}`);
    socket.write("GET /t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(status).toBe(200);
    expect(await restOf(socket)).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*secret/);
    expect(site.arrived).toEqual([
      `GET /a?b good.test:${site.port}`,
      `GET /t good.test:${site.port}`,
    ]);
  });

  test("I11 that is not allowed is refused, by request and by tunnel; allowing it reaches it", async () => {
    await using site = await startSite();
    await using bench = await startBench({ decide: onlyGood });
    const answer = await fetchThrough(bench.proxy, `http://evil.test:${site.port}/`);
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining("is not listed") });
    expect((await openTunnel(bench.proxy, `evil.test:${site.port}`)).status).toBe(403);
    expect(site.arrived).toEqual([]);
    expect(bench.dialed).toEqual([]);
    await using open = await startBench();
    expect(await fetchThrough(open.proxy, `http://evil.test:${site.port}/`)).toMatchObject({
      status: 200,
    });
  });

  test("I11 each request on one connection is decided by itself", async () => {
    await using site = await startSite();
    await using bench = await startBench({ decide: onlyGood });
    const get = (host: string, more = ""): string =>
      `GET http://${host}:${site.port}/ HTTP/1.1\r\nHost: good.test\r\n${more}\r\n`;
    const said = await speak(
      bench.proxy,
      get("good.test") + get("evil.test", "Connection: close\r\n"),
    );
    expect(said.match(/HTTP\/1.1 \d+/gm)).toEqual(["HTTP/1.1 200", "HTTP/1.1 403"]);
    expect(site.arrived).toHaveLength(1);
  });
});

describe("I11 a name", () => {
  const privateAddresses = ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"];
  test.each(privateAddresses)("that resolves to %s is refused", async (address) => {
    await using bench = await startBench({ resolve: async () => [address] });
    expect(await fetchThrough(bench.proxy, "http://inside.test/")).toMatchObject({
      status: 403,
      body: expect.stringContaining("private network"),
    });
    expect(bench.dialed).toEqual([]);
  });

  test("that resolves to loopback is reached with the address rule taken away", async () => {
    await using site = await startSite();
    await using bench = await startBench({
      resolve: async () => ["127.0.0.1"],
      isReachable: () => true,
    });
    expect(await fetchThrough(bench.proxy, `http://inside.test:${site.port}/`)).toMatchObject({
      body: "secret",
    });
  });

  test("that is rebound is asked for once: the address that was checked is connected to", async () => {
    await using site = await startSite();
    const answers = [[PUBLIC], ["127.0.0.1"]];
    let asked = 0;
    await using bench = await startBench({
      resolve: async () => answers[Math.min(asked++, 1)] ?? [],
    });
    await fetchThrough(bench.proxy, `http://rebind.test:${site.port}/`);
    expect(bench.dialed).toEqual([`${PUBLIC}:${site.port}`]);
    expect(asked).toBe(1);
    expect((await fetchThrough(bench.proxy, `http://rebind.test:${site.port}/`)).status).toBe(403);
    expect(bench.dialed).toHaveLength(1);
  });

  test("with public and private addresses leads to the public ones alone", async () => {
    await using site = await startSite();
    await using bench = await startBench({ resolve: async () => ["10.0.0.1", PUBLIC, PUBLIC_6] });
    expect((await fetchThrough(bench.proxy, `http://mixed.test:${site.port}/`)).status).toBe(200);
    expect(bench.dialed).toEqual([`${PUBLIC}:${site.port}`]);
  });

  test("without an address is a 502 that says so", async () => {
    await using bench = await startBench({ resolve: () => Promise.reject(new Error("ENOTFOUND")) });
    expect(await fetchThrough(bench.proxy, "http://gone.test/")).toMatchObject({
      status: 502,
      body: expect.stringContaining("no address is known for gone.test"),
    });
  });
});

describe("I11 an address", () => {
  const spellings = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "[::ffff:127.0.0.1]",
  ];
  test.each(spellings)("%s is refused unless it is listed as one", async (host) => {
    await using site = await startSite();
    await using bench = await startBench();
    expect((await fetchThrough(bench.proxy, `http://${host}:${site.port}/`)).status).toBe(403);
    expect((await openTunnel(bench.proxy, `${host}:${site.port}`)).status).toBe(403);
    expect(site.arrived).toEqual([]);
    await using listed = await startBench({
      decide: () => ({ allowed: true, listedAddress: true }),
    });
    expect((await fetchThrough(listed.proxy, `http://${host}:${site.port}/`)).body).toBe("secret");
  });

  test.each(["0.0.0.0", "[::]", "224.0.0.1"])("%s is refused though it is listed", async (host) => {
    await using bench = await startBench({
      decide: () => ({ allowed: true, listedAddress: true }),
    });
    expect((await fetchThrough(bench.proxy, `http://${host}:1/`)).status).toBe(403);
    expect(bench.dialed).toEqual([]);
  });
});

describe("I11 an own port", () => {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outer = interfaces.filter(({ family, internal }) => family === "IPv4" && !internal);
  const hosts = [
    "localhost",
    "127.0.0.1",
    "127.3.2.1",
    "[::1]",
    ...outer.map(({ address }) => address),
  ];
  test.each(hosts)("is refused at %s, whatever is listed", async (host) => {
    await using site = await startSite(host === "[::1]" ? "::1" : "0.0.0.0");
    const decide = () => ({ allowed: true, listedAddress: true }) as const;
    const isOwn = ownEndpoints(() => [{ host: "127.0.0.1", port: site.port }]);
    await using bench = await startBench({ decide, isOwn });
    const url = `http://${host}:${site.port}/`;
    expect(await fetchThrough(bench.proxy, url)).toMatchObject({
      status: 403,
      body: expect.stringContaining("own addresses"),
    });
    expect((await openTunnel(bench.proxy, `${host}:${site.port}`)).status).toBe(403);
    expect(site.arrived).toEqual([]);
    await using unguarded = await startBench({ decide });
    expect((await fetchThrough(unguarded.proxy, url)).body).toBe("secret");
  });

  test("is refused behind a name that resolves to it", async () => {
    await using site = await startSite();
    const isOwn = ownEndpoints(() => [{ host: "127.0.0.1", port: site.port }]);
    const inward = { resolve: async () => ["127.0.0.1"], isReachable: () => true };
    await using bench = await startBench({ ...inward, isOwn });
    expect((await fetchThrough(bench.proxy, `http://a.test:${site.port}/`)).status).toBe(403);
    await using unguarded = await startBench(inward);
    expect((await fetchThrough(unguarded.proxy, `http://a.test:${site.port}/`)).status).toBe(200);
  });
});

describe("a message", () => {
  test("goes on with the URL's host and without what is for the proxy", async () => {
    await using site = await startSite();
    await using bench = await startBench();
    await fetchThrough(bench.proxy, `http://good.test:${site.port}/`, {
      method: "POST",
      body: "a body",
      headers: {
        Host: "evil.test",
        Connection: "close, X-Hop",
        "X-Hop": "1",
        "X-End": "1",
        "Proxy-Authorization": "Basic eDp5",
        "Proxy-Connection": "keep-alive",
        TE: "trailers",
      },
    });
    const names = site.headers[0]
      ?.filter((_, at) => at % 2 === 0)
      .map((name) => name.toLowerCase());
    expect(names?.toSorted()).toEqual([
      "connection",
      "content-length",
      "host",
      "x-bytebot-desktop",
      "x-end",
    ]);
    expect(site.arrived).toEqual([`POST / good.test:${site.port}`]);
  });

  test("keeps its body, chunked or not, and its answer's fields", async () => {
    await using site = await startSite();
    site.server.removeAllListeners("request").on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.writeHead(201, ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Keep-Alive", "x"]);
      response.end(Buffer.concat(chunks));
    });
    await using bench = await startBench();
    const url = `http://good.test:${site.port}/`;
    const headers = { "Transfer-Encoding": "chunked" };
    const body = "x".repeat(300_000);
    const answer = await fetchThrough(bench.proxy, url, { method: "PUT", body, headers });
    expect(answer.body).toBe(body);
    expect(answer.status).toBe(201);
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect((await fetchThrough(bench.proxy, url, { method: "POST", body: "short" })).body).toBe(
      "short",
    );
    expect((await fetchThrough(bench.proxy, url, { method: "POST" })).body).toBe("");
    expect((await fetchThrough(bench.proxy, url, { method: "HEAD" })).status).toBe(201);
  });

  const smuggled = "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n";
  test.each([
    ["two lengths", `Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    [
      "a length and chunks",
      `Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ["an obscured encoding", `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ["an unknown encoding", `Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n${smuggled}`],
    ["a bare line feed", `X: 1\nY: 2\r\n\r\n`],
  ])("with %s is refused", async (_name, rest) => {
    await using site = await startSite();
    await using bench = await startBench();
    const line = `POST http://good.test:${site.port}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`;
    const said = await speak(bench.proxy, `${line}${rest}`);
    expect(said.match(/^HTTP\/1.1 \d+/gm)).toEqual(["HTTP/1.1 400"]);
    expect(bench.decisions.filter((decision) => decision.startsWith("evil"))).toEqual([]);
    expect(site.arrived).toEqual([]);
  });

  test.each([
    "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n",
    "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\r\n\r\n",
  ])("that is not for a proxy is refused: %j", async (text) => {
    await using bench = await startBench();
    const said = await speak(
      bench.proxy,
      text.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    );
    expect(said).toMatch(/^HTTP\/1.1 400 /);
    expect(bench.decisions).toEqual([]);
  });

  test("a WebSocket handshake passes, and bytes both ways after it", async () => {
    await using site = await startSite();
    site.server.on("upgrade", (request, socket) => {
      site.arrived.push(`${request.headers.upgrade} ${request.headers.host}`);
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      );
      socket.pipe(socket);
    });
    await using bench = await startBench({ decide: onlyGood });
    const ask = (host: string): string =>
      `GET http://${host}:${site.port}/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const socket = connect(bench.proxy.socket);
    let said = "";
    const echoed = new Promise<void>((resolve) => {
      socket.on("data", (chunk) => {
        said += chunk;
        if (said.endsWith("\r\n\r\n")) socket.write("ping");
        if (said.endsWith("ping")) resolve();
      });
    });
    socket.write(ask("good.test"));
    await echoed;
    socket.destroy();
    expect(site.arrived).toEqual([`websocket good.test:${site.port}`]);
    expect(await speak(bench.proxy, ask("evil.test"))).toMatch(/^HTTP\/1.1 403 /);
  });
});

describe("I11 a tunnel", () => {
  const local = { decide: () => ({ allowed: true }) as const };
  const listed = { decide: () => ({ allowed: true, listedPort: true }) as const };
  const hello = "\x16\x03\x01 and what else there is";

  test("whose client sends requests is read: each is decided, marked and sent by itself", async () => {
    await using site = await startSite();
    const asked: string[] = [];
    await using bench = await startBench({
      decide: ({ host }) => {
        asked.push(host);
        return { allowed: true };
      },
    });
    const { socket } = await openTunnel(bench.proxy, `good.test:${site.port}`);
    const lines = (path: string, more = "") =>
      `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Bytebot-Desktop: no\r\n${more}\r\n`;
    socket.write(
      `${lines("/1")}${lines("http://evil.test/2")}${lines("/3", "Connection: close\r\n")}`,
    );
    const said = await restOf(socket);
    expect(said.match(/^HTTP\/1.1 \d+/gm)?.[0]).toBe("HTTP/1.1 200");
    expect(site.arrived[0]).toBe(`GET /1 good.test:${site.port}`);
    expect(site.arrived.join()).not.toContain("evil");
    expect(asked).not.toContain("evil.test");
    for (const fields of site.headers) {
      const marks = fields.filter((_, at) => fields[at - 1]?.toLowerCase() === "x-bytebot-desktop");
      expect(marks).toEqual(["embedded"]);
    }
  });

  test("may be used for several requests, and for no other tunnel", async () => {
    await using site = await startSite();
    await using bench = await startBench();
    const { socket } = await openTunnel(bench.proxy, `good.test:${site.port}`);
    const answers: string[] = [];
    socket.on("data", (chunk) => answers.push(String(chunk)));
    for (const path of ["/1", "/2", "/3"]) {
      const before = answers.join("").split("secret").length;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await expect.poll(() => answers.join("").split("secret").length).toBe(before + 1);
    }
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("CONNECT evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    await closed;
    expect(answers.join("")).toMatch(/HTTP\/1.1 400 /);
    expect(site.arrived.map((line) => line.split(" ")[1])).toEqual(["/1", "/2", "/3"]);
    expect(bench.decisions.join()).not.toContain("evil");
  });

  test("to elsewhere, or to a port that is listed, may carry what cannot be read", async () => {
    await using echo = await startEcho();
    for (const [rules, host] of [
      [local, "good.test"],
      [listed, "localhost"],
    ] as const) {
      await using bench = await startBench(rules);
      const { socket } = await openTunnel(bench.proxy, `${host}:${echo.port}`);
      socket.end(hello);
      expect(await restOf(socket)).toBe(hello);
    }
  });

  test("to this machine carries it to no other port, whoever speaks first", async () => {
    await using echo = await startEcho();
    await using greeter = await startEcho("220 ready\r\n");
    await using bench = await startBench(local);
    const secured = await openTunnel(bench.proxy, `localhost:${echo.port}`);
    secured.socket.write(hello);
    expect(await restOf(secured.socket)).toBe("");
    expect(echo.heard).toEqual([]);
    const greeted = await openTunnel(bench.proxy, `localhost:${greeter.port}`);
    expect(await restOf(greeted.socket)).toBe("");
    expect(bench.decisions.at(-1)).toContain("only where allowed_domains lists the port");
    await using elsewhere = await startBench(local);
    const { socket } = await openTunnel(elsewhere.proxy, `good.test:${greeter.port}`);
    socket.end();
    expect(await restOf(socket)).toBe("220 ready\r\n");
    const mute = await openTunnel(bench.proxy, `localhost:${echo.port}`);
    mute.socket.end();
    expect(await restOf(mute.socket)).toBe("");
  });

  test("to this machine leaves from an address that proxies there pass on", async () => {
    const sources: (string | undefined)[] = [];
    await using echo = await startEcho("", sources);
    const rules = { ...listed, isOwn: async () => false, owner: undefined };
    await using proxy = await startEgressProxy(rules);
    const { socket } = await openTunnel(proxy, `localhost:${echo.port}`);
    socket.end(hello);
    await restOf(socket);
    expect(sources).toEqual(["127.98.66.1"]);
  });
});

describe("limits", () => {
  test("a header that is too large or never ends is refused", async () => {
    await using bench = await startBench({ limits: { headerTimeout: 100, headerSize: 8192 } });
    const line = "GET http://good.test/ HTTP/1.1\r\nHost: a\r\n";
    expect(await speak(bench.proxy, `${line}X: ${"x".repeat(9000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 400/,
    );
    expect(await speak(bench.proxy, line)).toMatch(/^HTTP\/1.1 400/);
    expect(bench.decisions).toEqual([]);
  });

  test("connections beyond the cap are dropped", async () => {
    await using bench = await startBench({ limits: { connections: 1 } });
    const first = connect(bench.proxy.socket);
    await new Promise((resolve) => first.once("connect", resolve));
    expect(await speak(bench.proxy, "")).toBe("");
    first.destroy();
  });

  test("what is idle ends, on both sides", async () => {
    await using silent = await startSilent();
    await using bench = await startBench({ limits: { idleTimeout: 50 } });
    const { socket } = await openTunnel(bench.proxy, `good.test:${silent.port}`);
    await Promise.all([restOf(socket), (await silent.connected).closed]);
    expect(bench.proxy.connections).toBe(0);
  });
});

describe("ends", () => {
  test("a client that goes takes its connection out with it", async () => {
    await using silent = await startSilent();
    await using bench = await startBench();
    const { socket } = await openTunnel(bench.proxy, `good.test:${silent.port}`);
    const peer = await silent.connected;
    socket.destroy();
    await peer.closed;
  });

  test("a server that goes half way ends the answer, and one that says nothing is a 502", async () => {
    await using rude = await startSilent("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    await using bench = await startBench();
    await expect(fetchThrough(bench.proxy, `http://good.test:${rude.port}/`)).rejects.toThrow();
    await using mute = await startSilent("nonsense\r\n\r\n");
    expect(await fetchThrough(bench.proxy, `http://good.test:${mute.port}/`)).toMatchObject({
      status: 502,
    });
  });

  test("a connection that policy takes back is ended; others stay", async () => {
    await using silent = await startSilent();
    const allowed = new Set(["a.test", "b.test"]);
    await using bench = await startBench({
      decide: ({ host }) =>
        allowed.has(host) ? { allowed: true } : { allowed: false, reason: "no" },
    });
    const a = await openTunnel(bench.proxy, `a.test:${silent.port}`);
    const b = await openTunnel(bench.proxy, `b.test:${silent.port}`);
    const ended = restOf(a.socket);
    allowed.delete("a.test");
    await bench.proxy.recheck();
    await ended;
    expect(bench.proxy.connections).toBe(1);
    expect(b.socket.destroyed).toBe(false);
  });

  test("disposal ends everything and removes the socket, which is its owner's alone", async () => {
    await using silent = await startSilent();
    const bench = await startBench();
    const { socket } = await openTunnel(bench.proxy, `good.test:${silent.port}`);
    expect(statSync(bench.proxy.socket).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(bench.proxy.socket)).mode & 0o777).toBe(0o700);
    const ended = restOf(socket);
    await bench.proxy[Symbol.asyncDispose]();
    await ended;
    expect(() => statSync(dirname(bench.proxy.socket))).toThrow("ENOENT");
  });
});

/** A server that says `greeting`, if anything, and then what it hears. */
async function startEcho(
  greeting = "",
  sources: (string | undefined)[] = [],
): Promise<AsyncDisposable & { readonly port: number; readonly heard: string[] }> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    sources.push(socket.remoteAddress);
    if (greeting !== "") socket.write(greeting);
    socket.on("data", (chunk) => heard.push(String(chunk))).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    heard,
    port: typeof address === "object" && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that says `greeting` to each connection and hangs up after it, or says nothing at all. */
async function startSilent(
  greeting?: string,
): Promise<AsyncDisposable & { port: number; connected: Promise<{ closed: Promise<unknown> }> }> {
  const sockets = new Set<Socket>();
  let announce: (peer: { closed: Promise<unknown> }) => void;
  const connected = new Promise<{ closed: Promise<unknown> }>((resolve) => {
    announce = resolve;
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).resume();
    announce({ closed: new Promise((resolve) => socket.once("close", resolve)) });
    if (greeting !== undefined) socket.once("data", () => socket.end(greeting));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    connected,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("I10 a fault in one connection is told and ends that connection alone", async () => {
  const faults: unknown[] = [];
  await using site = await startSite();
  let isBroken = true;
  await using bench = await startBench({
    connect: (_address, port) => {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      if (isBroken) Object.defineProperty(socket, "pipe", { value: undefined });
      return socket;
    },
    onError: (error) => faults.push(error),
  });
  const { socket } = await openTunnel(bench.proxy, `good.test:${site.port}`);
  // How TLS begins: what nobody can read is passed on.
  socket.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05]));
  expect(await restOf(socket)).toBe("");
  expect(faults).toHaveLength(1);
  isBroken = false;
  const answer = await fetchThrough(bench.proxy, `http://good.test:${site.port}/`);
  expect(answer.status).toBe(200);
});
