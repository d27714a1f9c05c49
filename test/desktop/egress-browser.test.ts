import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Programs } from "../../src/drivers/embedded/session/programs.ts";
import {
  missingForSession,
  never,
  openSessionBench,
  type SessionBench,
} from "../support/drivers/embedded/session/fixtures.ts";
import { arrival, type ProxyGuard, type Sites, startSites } from "./egress-sites.ts";

const missing = missingForSession("chromium");

interface Visit {
  readonly guard: ProxyGuard;
  /** What the browser is told to open. */
  readonly url: (sites: Sites) => string;
  /** Where that leads. */
  readonly host: string;
  readonly site: "gateway" | "guard" | "bytebot" | "other";
}

const redirect = ({ open }: Sites, url: string): string =>
  `http://localhost:${open.port}/to?${encodeURIComponent(url)}`;

function own(site: Visit["site"]): Visit {
  const url = (sites: Sites): string => `http://localhost:${sites[site].port}/`;
  return { guard: "own ports", host: "localhost", site, url };
}

function other(guard: ProxyGuard, host: string, spelled = host): Visit {
  const url = ({ other: { port } }: Sites): string => `http://${spelled}:${port}/`;
  return { guard, host, site: "other", url };
}

function redirected(visit: Visit): Visit {
  return { ...visit, url: (sites) => redirect(sites, visit.url(sites)) };
}

const VISITS: Readonly<Record<string, Visit>> = {
  "the gateway": own("gateway"),
  "its guard": own("guard"),
  ByteBot: own("bytebot"),
  "the gateway behind a redirect": redirected(own("gateway")),
  "a domain that is not allowed": other("policy", "evil.test"),
  "that domain behind a redirect": redirected(other("policy", "evil.test")),
  "an address": other("policy", "127.0.0.1"),
  "an address as one number": other("policy", "127.0.0.1", "2130706433"),
  "an address in octal": other("policy", "127.0.0.1", "0177.0.0.1"),
  "a mapped address": other("policy", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]"),
  "a name with a private address": other("addresses", "private.test"),
};

interface Browser extends AsyncDisposable {
  readonly sites: Sites;
  open(url: string): Promise<void>;
}

/** A browser behind a proxy without one of its guards. */
async function openBrowser(without?: ProxyGuard): Promise<Browser> {
  const sites = await startSites();
  const bench: SessionBench = await openSessionBench({ egress: sites.rules(without) });
  const { workspace, hidden, egressSocket } = await bench.place();
  const programs = new Programs({
    ...{ workspace, hidden, egressSocket, applications: {} },
    display: (signal) => bench.address(signal),
  });
  await programs.ready;
  return {
    sites,
    open: (url) => programs.openUrl(url, never),
    [Symbol.asyncDispose]: async () => {
      await programs[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
      await sites[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(missing !== undefined)("I11 a page in the embedded desktop's browser", () => {
  describe("with every guard", () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(async () => {
      // Nor after a while.
      expect(browser?.sites.arrived()).toEqual([]);
      await browser?.[Symbol.asyncDispose]();
    });

    test("shows what is allowed", async () => {
      const { open } = browser.sites;
      const arrived = arrival(open);
      await browser.open(`http://localhost:${open.port}/`);
      await arrived;
    });

    test.each(Object.entries(VISITS))("does not reach %s", async (_name, visit) => {
      const { sites } = browser;
      const refused = sites.refused(visit.host, sites[visit.site].port);
      await browser.open(visit.url(sites));
      await refused;
      expect(sites.arrived()).toEqual([]);
    });
  });

  test.each<ProxyGuard>(["policy", "own ports", "addresses"])(
    "reaches all that %s alone withholds with that taken away",
    async (guard) => {
      await using browser = await openBrowser(guard);
      const { sites } = browser;
      for (const visit of Object.values(VISITS).filter((each) => each.guard === guard)) {
        const site = sites[visit.site];
        site.arrived.length = 0;
        const arrived = arrival(site);
        await browser.open(visit.url(sites));
        await arrived;
      }
    },
  );
});
