import { dirname } from "node:path";
import type { Logger } from "pino";
import type { Config, Secrets } from "../config/config.ts";
import type { Policy, ProtectedHost } from "../contract/policy.ts";
import type { EgressDecision } from "../drivers/embedded/egress/egress-gate.ts";
import type { EgressTarget } from "../drivers/embedded/egress/egress-target.ts";
import { ownEndpoints } from "../drivers/embedded/egress/own-endpoints.ts";
import { openEmbeddedDriver } from "../drivers/embedded/embedded-driver.ts";
import { listsPort, matchUrl } from "../policy/url-rule.ts";
import { isHostAddress } from "../policy/web-url.ts";
import type { AgentGuard } from "../tasks/agent-guard.ts";
import { Desktops, type NamedDesktop } from "../tasks/desktops.ts";

export interface OpenDesktopsDeps {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly policy: () => Policy;
  /** Where the gateway and its guard listen by now. */
  readonly protectedHosts: () => readonly ProtectedHost[];
  readonly guard: AgentGuard;
  readonly log: Logger;
}

/** The desktops of a configuration, each with its driver. */
export interface OpenedDesktops extends AsyncDisposable {
  readonly desktops: Desktops;
  /** The policy has changed. */
  recheck(): Promise<void>;
}

/** Opens every desktop of the configuration. */
export async function openDesktops(deps: OpenDesktopsDeps): Promise<OpenedDesktops> {
  return deps.config.driver === "bytebot" ? openByteBots(deps) : openEmbedded(deps);
}

/** What it takes to reach a ByteBot is loaded where there is one: it is 2 MB of memory. */
async function openByteBots(deps: OpenDesktopsDeps): Promise<OpenedDesktops> {
  const { config, secrets, guard } = deps;
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

async function openEmbedded(deps: OpenDesktopsDeps): Promise<OpenedDesktops> {
  const { config, policy, protectedHosts, log } = deps;
  const driver = await openEmbeddedDriver({
    workdir: config.workdir,
    hidden: [
      config.dataDir,
      config.configDir,
      ...config.secretFiles.map((file) => dirname(file)),
      import.meta.dirname,
    ],
    desktop: {
      ...config.desktop,
      egress: {
        decide: (target) => decideEgress(policy(), target),
        isOwn: ownEndpoints(protectedHosts),
        onDecision: ({ host, port }, allowed, reason) =>
          log.debug({ host, port, allowed, reason }, "a program of the desktop connects"),
        onError: (err) => log.error({ err }, "a connection of the desktop failed"),
      },
    },
  });
  return {
    desktops: new Desktops([{ name: "embedded", driver, keys: null }]),
    recheck: () => driver.recheckConnections(),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
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
