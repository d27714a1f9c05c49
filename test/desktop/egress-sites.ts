import { once } from "node:events";
import { connect } from "node:net";
import type { EgressDecision } from "../../src/drivers/embedded/egress/egress-gate.ts";
import type { EgressOptions } from "../../src/drivers/embedded/egress/egress-proxy.ts";
import type { EgressTarget } from "../../src/drivers/embedded/egress/egress-target.ts";
import { ownEndpoints } from "../../src/drivers/embedded/egress/own-endpoints.ts";
import { PUBLIC, type Site, startSite } from "../support/drivers/embedded/egress/fixtures.ts";

/** What keeps a place from being reached; a test takes one of them away. */
export type ProxyGuard = "policy" | "own ports" | "addresses";

/** Public, and nobody answers there. */
const SILENT = "93.184.216.35";

/** Servers on loopback: the gateway's, its guard's, ByteBot's, another, and one that may be opened. */
export interface Sites extends AsyncDisposable {
  readonly gateway: Site;
  readonly guard: Site;
  readonly bytebot: Site;
  /** Stands for everything that is not the gateway's and not allowed. */
  readonly other: Site;
  /** Allowed; `/to?URL` redirects. */
  readonly open: Site;
  /** Requests that arrived where none may. */
  arrived(): string[];
  /** An egress proxy's rules, with one guard taken away. */
  rules(without?: ProxyGuard): Partial<EgressOptions>;
  /** Resolves when the proxy next refuses this host and port. */
  refused(host: string, port: number): Promise<void>;
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "evil.test": [PUBLIC],
  "private.test": ["127.0.0.1"],
  "mapped.test": ["::ffff:127.0.0.1"],
};

/** Listed, as far as policy goes: what they resolve to decides. */
const LISTED = new Set(["localhost", "private.test", "mapped.test", "rebind.test"]);

export async function startSites(): Promise<Sites> {
  const [gateway, guard, bytebot, other, open] = await Promise.all([
    startSite(),
    startSite(),
    startSite(),
    startSite(),
    startSite(),
  ]);
  open.server.prependListener("request", ({ url }, response) => {
    if (!url?.startsWith("/to?")) return;
    response.writeHead(302, { Location: decodeURIComponent(url.slice("/to?".length)) }).end();
  });
  const waiting = new Map<string, () => void>();
  const own = [gateway, guard, bytebot].map(({ port }) => ({ host: "127.0.0.1", port }));
  let asked = 0;
  return {
    ...{ gateway, guard, bytebot, other, open },
    arrived: () => [gateway, guard, bytebot, other].flatMap((site) => site.arrived),
    rules: (without) => ({
      decide: ({ host }): EgressDecision =>
        without === "policy"
          ? { allowed: true, listedAddress: true }
          : LISTED.has(host)
            ? { allowed: true }
            : { allowed: false, reason: `${host} is not listed` },
      isOwn: without === "own ports" ? async () => false : ownEndpoints(() => own),
      // Rebinding: harmless when it is first asked for, this machine ever after.
      resolve: async (host) =>
        host === "rebind.test" ? [asked++ === 0 ? SILENT : "127.0.0.1"] : (NAMES[host] ?? []),
      ...(without === "addresses" ? { isReachable: () => true } : {}),
      connect: (address, port) =>
        connect(
          address === SILENT
            ? { host: "127.0.0.1", port: 1 }
            : { host: address === PUBLIC ? "127.0.0.1" : address, port, allowHalfOpen: true },
        ),
      onDecision: (target: EgressTarget, allowed) => {
        if (!allowed) waiting.get(`${target.host}:${target.port}`)?.();
      },
    }),
    refused: (host, port) =>
      new Promise((resolve) => waiting.set(`${host}:${port}`, () => resolve())),
    [Symbol.asyncDispose]: async () => {
      const sites = [gateway, guard, bytebot, other, open];
      await Promise.all(sites.map((site) => site[Symbol.asyncDispose]()));
    },
  };
}

/** Resolves when a request arrives. */
export async function arrival(site: Site): Promise<void> {
  if (site.arrived.length === 0) await once(site.server, "request");
}
