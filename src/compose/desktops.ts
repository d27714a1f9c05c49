import { dirname } from "node:path";
import { capabilities } from "../capabilities/registry.ts";
import type { Config } from "../config/config.ts";
import type { Policy, ProtectedHost } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type { EgressDecision } from "../drivers/embedded/egress/egress-gate.ts";
import type { EgressTarget } from "../drivers/embedded/egress/egress-target.ts";
import { ownEndpoints } from "../drivers/embedded/egress/own-endpoints.ts";
import { openEmbeddedDriver } from "../drivers/embedded/embedded-driver.ts";
import { openGuard } from "../guard/guard.ts";
import { findAbove } from "../lib/find-above.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import { listsPort, matchUrl } from "../policy/url-rule.ts";
import { isHostAddress } from "../policy/web-url.ts";
import type { AgentGuard } from "../tasks/agent-guard.ts";
import { Desktops, type NamedDesktop } from "../tasks/desktops.ts";
import { bind } from "./bind.ts";
import type { Foundation } from "./foundation.ts";
import { addressOf, protectedHosts } from "./protected-hosts.ts";

/** The desktops of a configuration, each with its driver. */
export interface OpenedDesktops extends AsyncDisposable {
  readonly desktops: Desktops;
  /** The policy has changed. */
  recheck(): Promise<void>;
}

/** What the one desktop of the embedded driver is called. */
const EMBEDDED = "embedded";

/** What plans may call the desktops of a configuration. */
export function desktopNames({ driver, bytebot }: Config): readonly string[] {
  return driver === "bytebot" ? bytebot.map(({ name }) => name) : [EMBEDDED];
}

/** Opens every desktop of the configuration, and the guard that ByteBot's agents act through. */
export async function openDesktops(
  foundation: Foundation,
  policy: PolicySource,
  findPrincipal: (keyId: string) => Principal | undefined,
): Promise<OpenedDesktops> {
  const { config, secrets, log } = foundation;
  if (config.driver === "embedded") return openEmbedded(foundation, policy);
  await using building = new AsyncDisposableStack();
  const open = () =>
    openGuard({
      ...config.guard,
      key: secrets.guardKey,
      capabilities,
      policy: () => policy.current,
      findPrincipal,
      maxFileSize: config.maxFileSize,
      log,
    });
  const guard = building.use(await bind(open, config.guard, ["GUARD_HOST", "GUARD_PORT"]));
  const opened = building.use(await openByteBots(foundation, guard));
  const built = building.move();
  return { ...opened, [Symbol.asyncDispose]: () => built.disposeAsync() };
}

/** What it takes to reach a ByteBot is loaded where there is one: it is 2 MB of memory. */
async function openByteBots(
  { config, secrets }: Foundation,
  guard: AgentGuard,
): Promise<OpenedDesktops> {
  const [{ openBytebotDriver }, { openAgent }] = await Promise.all([
    import("../drivers/bytebot/bytebot-driver.ts"),
    import("../drivers/bytebot/agent/open-agent.ts"),
  ]);
  const { requestTimeoutMs, retryAttempts } = config;
  const opened = config.bytebot.map(({ name, url, agentUrl, keys, setting }): NamedDesktop => {
    const driver = openBytebotDriver({
      url,
      apiKey: secrets.bytebotApiKeys.get(name),
      ...(setting !== undefined && { setting }),
      requestTimeoutMs,
      retryAttempts,
      ...(agentUrl !== undefined && {
        openAgent: (forward) =>
          openAgent({
            desktop: name,
            url: agentUrl,
            guard,
            forward,
            requestTimeoutMs,
            retryAttempts,
          }),
      }),
    });
    return { name, driver, keys: keys && new Set(keys) };
  });
  const [first, ...others] = opened;
  if (first === undefined) throw new Error("the driver bytebot has no desktop");
  return {
    desktops: new Desktops([first, ...others]),
    recheck: async () => {},
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(({ driver }) => driver[Symbol.asyncDispose]()));
    },
  };
}

async function openEmbedded(
  { config, address, log }: Foundation,
  policy: PolicySource,
): Promise<OpenedDesktops> {
  /** Where the gateway listens by now. */
  const hosts = (): ProtectedHost[] => [...protectedHosts(config), addressOf(address.publicUrl)];
  const driver = await openEmbeddedDriver({
    workdir: config.workdir,
    hidden: [
      config.dataDir,
      config.configDir,
      ...config.secretFiles.map((file) => dirname(file)),
      programFolder(),
    ],
    desktop: {
      ...config.desktop,
      egress: {
        decide: (target) => decideEgress(policy.current, target),
        isOwn: ownEndpoints(hosts),
        onDecision: ({ host, port }, allowed, reason) =>
          log.debug({ host, port, allowed, reason }, "a program of the desktop connects"),
        onError: (err) => log.error({ err }, "a connection of the desktop failed"),
      },
    },
  });
  return {
    desktops: new Desktops([{ name: EMBEDDED, driver, keys: null }]),
    recheck: () => driver.recheckConnections(),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

/** Where the program lies, built or as sources. */
function programFolder(): string {
  const main = findAbove(import.meta.dirname, ["main.js", "main.ts"]);
  return main === undefined ? import.meta.dirname : dirname(main);
}

/** What opening a page may reach, programs of the desktop may reach. */
function decideEgress(policy: Policy, { scheme, host, port }: EgressTarget): EgressDecision {
  const rules = policy.capabilities["browser.open"];
  if (rules?.enabled !== true) {
    return { allowed: false, reason: 'capabilities["browser.open"] is not enabled' };
  }
  const url = `${scheme}://${host}:${port}/`;
  const domains = rules.allowed_domains ?? [];
  const match = matchUrl(url, domains, policy.own_hosts);
  if ("rule" in match) {
    const listed = matchUrl(url, domains.filter(listsPort), policy.own_hosts);
    return { allowed: true, listedAddress: isHostAddress(host), listedPort: "rule" in listed };
  }
  const rule = 'capabilities["browser.open"].allowed_domains';
  return { allowed: false, reason: `${match.problem} (${rule})` };
}
