import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startSession } from "../../src/drivers/embedded/session/session.ts";
import {
  missingForSession,
  never,
  openSessionBench,
  type SessionBench,
} from "../support/drivers/embedded/session/fixtures.ts";
import { type ProxyGuard, type Sites, startSites } from "./egress-sites.ts";

type Guard = ProxyGuard | "network" | "mounts";
type Probe =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "socket" | "file"; readonly path: string }
  | { readonly kind: "http" | "tunnel"; readonly url: string; readonly twice?: boolean };

interface Place {
  /** What alone keeps it from being reached. */
  readonly guard: Guard;
  readonly probe: Probe;
}

const missing = missingForSession();

/** Tries everything in its argument and writes whether each was reached. */
const SCRIPT = `
const { readFileSync, writeFileSync } = require("node:fs");
const { request } = require("node:http");
const { connect } = require("node:net");
const proxy = { host: "127.0.0.1", port: 3128 };
const socket = (options) => new Promise((resolve) => {
  const s = connect(options, () => { s.destroy(); resolve(true); }).on("error", () => resolve(false));
});
const get = (options, hops = 3) => new Promise((resolve) => {
  request(options, (response) => {
    let body = "";
    response.on("data", (chunk) => { body += chunk; }).on("end", () => {
      const { location } = response.headers;
      if (location && hops > 0) resolve(get({ ...proxy, path: location }, hops - 1));
      else resolve(body === "secret");
    }).on("error", () => resolve(false));
  }).on("error", () => resolve(false)).end();
});
const tunnel = (url) => new Promise((resolve) => {
  const { host, pathname } = new URL(url);
  request({ ...proxy, method: "CONNECT", path: host }, () => resolve(false))
    .on("connect", ({ statusCode }, s) => resolve(statusCode === 200 &&
      get({ createConnection: () => s, path: pathname, headers: { host } })))
    .on("error", () => resolve(false)).end();
});
const KINDS = {
  tcp: socket,
  socket: ({ path }) => socket({ path }),
  file: ({ path }) => { try { return readFileSync(path, "utf8") !== ""; } catch { return false; } },
  http: async ({ url, twice }) => {
    const first = await get({ ...proxy, path: url });
    return first || (twice === true && await get({ ...proxy, path: url }));
  },
  tunnel: ({ url }) => tunnel(url),
};
(async () => {
  const reached = {};
  for (const [name, probe] of Object.entries(JSON.parse(process.argv[1]))) {
    reached[name] = await KINDS[probe.kind](probe);
  }
  writeFileSync("/tmp/reached.json", JSON.stringify(reached));
})();
`;

const ABSTRACT = `\0bytebot-test-${process.pid}`;

function placesOf(sites: Sites, outside: string): Record<string, Place> {
  const { gateway, guard, bytebot, other, open } = sites;
  const http = (url: string): Probe => ({ kind: "http", url });
  const own = { "the gateway": gateway, "its guard": guard, ByteBot: bytebot };
  const direct = Object.entries(own).map(([name, { port }]): [string, Place] => [
    `${name}, directly`,
    { guard: "network", probe: { kind: "tcp", host: "127.0.0.1", port } },
  ]);
  const proxied = Object.entries(own).flatMap(([name, { port }]): [string, Place][] => [
    [name, { guard: "own ports", probe: http(`http://localhost:${port}/`) }],
    [
      `${name}, through a tunnel`,
      { guard: "own ports", probe: { kind: "tunnel", url: `http://localhost:${port}/` } },
    ],
    [
      `${name}, behind a redirect`,
      {
        guard: "own ports",
        probe: http(`http://localhost:${open.port}/to?http://localhost:${port}/`),
      },
    ],
  ]);
  const spellings = ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"];
  const evil = `http://evil.test:${other.port}/`;
  return {
    ...Object.fromEntries([...direct, ...proxied]),
    ...Object.fromEntries(
      spellings.map((host): [string, Place] => [
        `an address as ${host}`,
        { guard: "policy", probe: http(`http://${host}:${other.port}/`) },
      ]),
    ),
    "a domain that is not allowed": { guard: "policy", probe: http(evil) },
    "that domain, through a tunnel": { guard: "policy", probe: { kind: "tunnel", url: evil } },
    "that domain, behind a redirect": {
      guard: "policy",
      probe: http(`http://localhost:${open.port}/to?${evil}`),
    },
    "a name with a private address": {
      guard: "addresses",
      probe: http(`http://private.test:${other.port}/`),
    },
    "a name with a mapped address": {
      guard: "addresses",
      probe: http(`http://mapped.test:${other.port}/`),
    },
    "a name that is rebound": {
      guard: "addresses",
      probe: { kind: "http", url: `http://rebind.test:${other.port}/`, twice: true },
    },
    "an abstract socket": { guard: "network", probe: { kind: "socket", path: ABSTRACT } },
    "a socket of the machine": {
      guard: "mounts",
      probe: { kind: "socket", path: join(outside, "machine.sock") },
    },
    ".env": { guard: "mounts", probe: { kind: "file", path: join(outside, ".env") } },
    DATA_DIR: { guard: "mounts", probe: { kind: "file", path: join(outside, "data/gateway.db") } },
  };
}

/** What a program of the desktop reaches, with one guard taken away. */
async function reachedWithout(
  guard?: Guard,
): Promise<{ reached: string[]; places: Record<string, Place> }> {
  await using sites = await startSites();
  const proxyGuard = guard === "network" || guard === "mounts" ? undefined : guard;
  await using bench = await openSessionBench({ egress: sites.rules(proxyGuard) });
  await using _secrets = await putSecrets(bench);
  const { outside } = bench.workspace;
  const places = placesOf(sites, outside);
  const place = await bench.place({
    sharesNetwork: guard === "network",
    mounts: guard === "mounts" ? ["--bind", outside, outside] : [],
  });
  await using session = await startSession(place, never);
  const probes = Object.fromEntries(
    Object.entries(places).map(([name, { probe }]) => [name, probe]),
  );
  const control: Probe = { kind: "http", url: `http://localhost:${sites.open.port}/` };
  const argument = JSON.stringify({ ...probes, "what is allowed": control });
  const program = await session.start(["/run/gateway/node", "-e", SCRIPT, "--", argument]);
  expect(await program.exited).toEqual({ code: 0, signal: null });
  const result = JSON.parse(readFileSync(bench.workspace.host("/tmp/reached.json"), "utf8"));
  const reached = Object.keys(result).filter((name) => result[name] === true);
  if (guard === undefined) expect(sites.arrived()).toEqual([]);
  return { reached, places };
}

async function putSecrets({ workspace }: SessionBench): Promise<AsyncDisposable> {
  writeFileSync(join(workspace.outside, ".env"), "SHARED_SECRET=x\n", { mode: 0o644 });
  mkdirSync(join(workspace.outside, "data"));
  writeFileSync(join(workspace.outside, "data/gateway.db"), "x", { mode: 0o644 });
  const places = [ABSTRACT, join(workspace.outside, "machine.sock")];
  const servers = await Promise.all(
    places.map(async (path) => {
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.listen(path, resolve));
      // Whoever sees it may connect.
      if (!path.startsWith("\0")) chmodSync(path, 0o666);
      return server;
    }),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) server.close();
    },
  };
}

describe.skipIf(missing !== undefined)("I11 a program of the embedded desktop", () => {
  test("reaches what is allowed and nothing else", async () => {
    const { reached } = await reachedWithout();
    expect(reached).toEqual(["what is allowed"]);
  });

  test.each<Guard>(["network", "mounts", "policy", "own ports", "addresses"])(
    "reaches all that %s alone withholds with that taken away",
    async (guard) => {
      const { reached, places } = await reachedWithout(guard);
      const withheld = Object.keys(places).filter((name) => places[name]?.guard === guard);
      expect(withheld.length).toBeGreaterThan(2);
      expect(reached).toEqual([...withheld, "what is allowed"]);
    },
  );
});
