import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import { sees } from "../bytebot/x-tools.ts";
import { run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { fileMatching } from "./file-with.ts";

/** TLS without certificates: both sides know a key. */
const PSK = {
  ciphers: "PSK-AES128-GCM-SHA256",
  maxVersion: "TLSv1.2",
  key: "000102030405060708090a0b0c0d0e0f",
} as const;

/** Tries each way of its argument and writes what it was answered: a status, or nothing. */
const PROBE = `
const { readFileSync, writeFileSync } = require("node:fs");
const { request } = require("node:http");
const tls = require("node:tls");
const proxy = { host: "127.0.0.1", port: 3128 };
const psk = ${JSON.stringify(PSK)};
const ask = (options) => new Promise((resolve) => {
  request(options, (response) => {
    response.resume().on("end", () => resolve(response.statusCode)).on("error", () => resolve("broken"));
  }).on("upgrade", (response, s) => { s.destroy(); resolve(101); })
    .on("error", () => resolve("broken")).end();
});
const tunnel = (host) => new Promise((resolve) => {
  request({ ...proxy, method: "CONNECT", path: host }, (response) => resolve(response.statusCode))
    .on("connect", ({ statusCode }, s) => resolve(statusCode === 200 ? s : statusCode))
    .on("error", () => resolve("broken")).end();
});
const socket = (upgrade) => upgrade ? { Connection: "Upgrade", Upgrade: "websocket",
  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" } : {};
const WAYS = {
  http: ({ place, path, upgrade }) =>
    ask({ ...proxy, path: "http://" + place + path, headers: socket(upgrade) }),
  tunnel: async ({ place, path, upgrade }) => {
    const s = await tunnel(place);
    return typeof s === "object"
      ? ask({ createConnection: () => s, path, headers: { host: place, ...socket(upgrade) } }) : s;
  },
  disguised: async ({ place, path }) => {
    const s = await tunnel(place);
    if (typeof s !== "object") return s;
    s.write("\\r\\nGET " + path + " HTTP/1.1\\r\\nHost: " + place +
      "\\r\\nX-Bytebot-Desktop:\\r\\nConnection: close, X-Bytebot-Desktop\\r\\n\\r\\n");
    let said = "";
    for await (const chunk of s) said += chunk;
    return Number(said.split(" ")[1]) || "broken";
  },
  secure: async ({ place, path }) => {
    const s = await tunnel(place);
    if (typeof s !== "object") return s;
    const secured = tls.connect({ socket: s, ciphers: psk.ciphers, maxVersion: psk.maxVersion,
      pskCallback: () => ({ psk: Buffer.from(psk.key, "hex"), identity: "probe" }),
      checkServerIdentity: () => undefined });
    secured.on("error", () => {});
    return ask({ createConnection: () => secured, path, headers: { host: place } });
  },
};
(async () => {
  const answers = {};
  for (const [name, attempt] of Object.entries(JSON.parse(readFileSync("/tmp/attempts.json", "utf8")))) {
    answers[name] = await WAYS[attempt.way](attempt).catch(() => "broken");
  }
  writeFileSync("/tmp/answers.json", JSON.stringify(answers));
})();
`;

interface Attempt {
  readonly way: "http" | "tunnel" | "disguised" | "secure";
  readonly place: string;
  readonly path: string;
  readonly upgrade?: boolean;
}

interface Stand extends AsyncDisposable {
  readonly place: string;
  readonly port: number;
  readonly arrived: string[];
}

async function stand(server: Server, arrived: string[] = []): Promise<Stand> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    place: `localhost:${port}`,
    port,
    arrived,
    async [Symbol.asyncDispose]() {
      server.close();
      if ("closeAllConnections" in server) (server.closeAllConnections as () => void)();
    },
  };
}

/** A site of its own that has nothing to do with the gateway. */
const site =
  (arrived: string[]): RequestListener =>
  (incoming, response) => {
    arrived.push(`${incoming.method} ${incoming.url}`);
    response.end("a site");
  };

const TLS_OPTIONS = {
  ciphers: PSK.ciphers,
  maxVersion: PSK.maxVersion,
  pskIdentityHint: "probe",
  pskCallback: () => Buffer.from(PSK.key, "hex"),
} as const;

describe.runIf(sees("Xvfb", "openbox", "bwrap"))(
  "I11 a gateway behind a proxy on another loopback port",
  () => {
    let gateway: Gateway;
    const stands: Record<
      "proxy" | "secure" | "listed" | "chat" | "named" | "dev" | "secureDev",
      Stand
    > = {} as never;
    /** What the gateway answered to each request that a proxy passed on. */
    const answered: string[] = [];

    /** As a reverse proxy with its usual settings passes a request on, under a name of the gateway's. */
    function pass(names: boolean): RequestListener {
      return (incoming, response) => {
        const { host: _, ...headers } = incoming.headers;
        const source = incoming.socket.remoteAddress ?? "";
        const options = {
          port: gateway.port,
          method: incoming.method,
          path: incoming.url,
          headers: { ...headers, ...(names && { "X-Forwarded-For": source }) },
        };
        const upstream = request(options, (answer) => {
          answered.push(`${incoming.url} ${answer.statusCode}`);
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        upstream.on("error", () => response.destroy());
        incoming.pipe(upstream);
      };
    }

    beforeAll(async () => {
      const seen: string[] = [];
      const [dev, secureDev, chat, named] = [[], [], [], []] as string[][];
      stands.proxy = await stand(createServer(pass(false)).on("upgrade", (_r, s) => s.end()));
      stands.secure = await stand(createTlsServer(TLS_OPTIONS, pass(false)), seen);
      stands.listed = await stand(createTlsServer(TLS_OPTIONS, pass(true)));
      stands.chat = await stand(createServer(site(chat ?? [])), chat);
      stands.named = await stand(createServer(site(named ?? [])), named);
      stands.dev = await stand(
        createServer(site(dev ?? [])).on("upgrade", (_request, socket) => {
          socket.end("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        }),
        dev,
      );
      stands.secureDev = await stand(
        createTlsServer(TLS_OPTIONS, site(secureDev ?? [])),
        secureDev,
      );
      const domains = ["localhost", stands.listed.place, stands.secureDev.place];
      gateway = await startGateway({
        policy: policyWith(domains),
        env: {
          CORS_ORIGINS: `http://${stands.chat.place}`,
          ALLOWED_HOSTS: `desk.example:${stands.named.port}`,
        },
        config: {
          "desktop.json": { applications: { probe: ["/run/gateway/node", "/tmp/p.cjs"] } },
        },
      });
    });

    afterAll(async () => {
      await gateway?.[Symbol.asyncDispose]();
      for (const each of Object.values(stands)) await each[Symbol.asyncDispose]();
    });

    async function attempt(attempts: Record<string, Attempt>): Promise<Record<string, unknown>> {
      const writing = {
        "/tmp/p.cjs": PROBE,
        "/tmp/attempts.json": JSON.stringify(attempts),
      };
      for (const [path, content] of Object.entries(writing)) {
        const written = await run(gateway, "fs.write", { path, content });
        expect(written).toMatchObject({ status: "completed" });
      }
      await run(gateway, "app.open", { application: "probe" });
      await fileMatching(gateway.file("/tmp/answers.json"), (text) => text.endsWith("}"));
      return JSON.parse(readFileSync(gateway.file("/tmp/answers.json"), "utf8"));
    }

    test("cannot be reached from its desktop; what is not the gateway can", async () => {
      const { proxy, secure, listed, chat, named, dev, secureDev } = stands;
      const path = "/console";
      const answers = await attempt({
        "the proxy": { way: "http", place: proxy.place, path },
        "the proxy, through a tunnel": { way: "tunnel", place: proxy.place, path },
        "the proxy, in disguise": { way: "disguised", place: proxy.place, path: "/health" },
        "TLS to a port that is not listed": { way: "secure", place: secure.place, path },
        "TLS to a port that is listed": { way: "secure", place: listed.place, path },
        "a page of CORS_ORIGINS": { way: "http", place: chat.place, path },
        "that page, through a tunnel": { way: "tunnel", place: chat.place, path },
        "a name of ALLOWED_HOSTS": { way: "http", place: named.place, path },
        "a site": { way: "http", place: dev.place, path: "/a" },
        "a site, through a tunnel": { way: "tunnel", place: dev.place, path: "/b" },
        "a WebSocket": { way: "tunnel", place: dev.place, path: "/c", upgrade: true },
        "a site with TLS, listed": { way: "secure", place: secureDev.place, path: "/d" },
      });
      expect(answers).toEqual({
        "the proxy": 403,
        "the proxy, through a tunnel": 403,
        "the proxy, in disguise": 403,
        "TLS to a port that is not listed": "broken",
        "TLS to a port that is listed": 403,
        "a page of CORS_ORIGINS": 403,
        "that page, through a tunnel": 403,
        "a name of ALLOWED_HOSTS": 403,
        "a site": 200,
        "a site, through a tunnel": 200,
        "a WebSocket": 101,
        "a site with TLS, listed": 200,
      });
      // All that the gateway was asked it refused itself; what is named was not connected to.
      expect(answered.toSorted()).toEqual([
        "/console 403",
        "/console 403",
        "/console 403",
        "/health 403",
      ]);
      expect([...secure.arrived, ...chat.arrived, ...named.arrived]).toEqual([]);
      expect(dev.arrived).toEqual(["GET /a", "GET /b"]);
    });

    test("refuses a marked request on every route, and says why", async () => {
      const document = JSON.parse(readFileSync("docs/openapi.json", "utf8"));
      const routes = Object.entries<Record<string, unknown>>(document.paths).flatMap(
        ([path, methods]) => Object.keys(methods).map((method) => ({ method, path })),
      );
      expect(routes.length).toBeGreaterThan(40);
      for (const { method, path } of [...routes, { method: "get", path: "/console" }]) {
        const answer = await fetch(`${gateway.url}${path.replace(/\{\w+\}/g, "x")}`, {
          method: method.toUpperCase(),
          headers: { "X-Bytebot-Desktop": "embedded" },
        });
        expect([method, path, answer.status]).toEqual([method, path, 403]);
        expect(await answer.json()).toMatchObject({
          code: "host_not_allowed",
          detail: expect.stringContaining("program of the embedded desktop"),
        });
      }
      // A proxy that passes on where it was called from.
      for (const [name, value] of Object.entries({
        "X-Forwarded-For": "192.0.2.1, 127.98.66.1",
        "X-Real-IP": "127.98.66.1",
        Forwarded: 'for=192.0.2.1, for="127.98.66.1:4000"',
      })) {
        const { status } = await fetch(`${gateway.url}/health`, { headers: { [name]: value } });
        expect([name, status]).toEqual([name, 403]);
      }
      const other = { "X-Forwarded-For": "127.98.66.10, 227.98.66.1" };
      expect((await fetch(`${gateway.url}/health`, { headers: other })).status).toBe(200);
    });
  },
);

function policyWith(domains: readonly string[]) {
  return {
    ...DEFAULT_POLICY,
    capabilities: {
      ...DEFAULT_POLICY.capabilities,
      "fs.write": { enabled: true, allowed_paths: ["/tmp"], risk_level: "low" },
      "browser.open": { enabled: true, allowed_domains: [...domains] },
      "app.open": { enabled: true, allowed_apps: ["probe"] },
    },
  };
}
