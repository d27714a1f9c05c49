import type { Config } from "../config/config.ts";
import type { ProtectedHost } from "../contract/policy.ts";

/** On ByteBot's desktop its own ports are on localhost: daemon, agent and web interface. */
const BYTEBOT_PORTS = [9990, 9991, 9992];

/** Where a proxy that serves one of these usually serves the other too, if only to redirect. */
const WEB_PORTS = [80, 443];

/** Addresses that TRUSTED_PROXIES may mean by a name; its other names and ranges are no one machine. */
const PROXY_ADDRESSES: Readonly<Record<string, string>> = { loopback: "127.0.0.1" };

/**
 * Where a browser must never be sent: the gateway itself under every name that the configuration has
 * for it, the proxies before it, the pages that may call it and show its cards, and, where it is
 * driven, ByteBot.
 */
export function protectedHosts(config: Config): ProtectedHost[] {
  const { host, port, publicUrl, guard, bytebot, driver } = config;
  const own = [{ host, port }, guard, ...web(addressOf(publicUrl)), ...namedHosts(config)];
  if (driver !== "bytebot") return own;
  const urls = bytebot.flatMap(({ url, agentUrl }) =>
    agentUrl === undefined ? [url] : [url, agentUrl],
  );
  const local = BYTEBOT_PORTS.map((number) => ({ host: "localhost", port: number }));
  return [...own, ...urls.map(addressOf), ...local];
}

/** Of an http or https URL. */
export function addressOf(text: string): ProtectedHost {
  const { hostname, port, protocol } = new URL(text);
  return { host: hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) };
}

function namedHosts({ port, allowedHosts, corsOrigins, trustedProxies }: Config): ProtectedHost[] {
  const names = allowedHosts.flatMap((text): ProtectedHost[] => {
    const [, host = "", named] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
    return named === undefined
      ? [port, ...WEB_PORTS].map((each) => ({ host, port: each }))
      : web({ host, port: Number(named) });
  });
  const pages = corsOrigins.filter((origin) => origin !== "*").map(addressOf);
  const proxies = trustedProxies
    .map((text) => PROXY_ADDRESSES[text] ?? text)
    .filter((text) => !text.includes("/") && !/^[a-z]+$/.test(text));
  return [...names, ...pages.flatMap(web), ...proxies.flatMap((host) => web({ host, port: 443 }))];
}

function web(place: ProtectedHost): ProtectedHost[] {
  if (!WEB_PORTS.includes(place.port)) return [place];
  return WEB_PORTS.map((port) => ({ host: place.host, port }));
}
