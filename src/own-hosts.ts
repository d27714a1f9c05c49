import type { Config } from "./config/config.ts";
import type { OwnHost } from "./contract/policy.ts";

/** On ByteBot's desktop its own ports are on localhost: daemon, agent and web interface. */
const BYTEBOT_PORTS = [9990, 9991, 9992];

/** Where a browser must never be sent: the gateway itself and, where it is driven, ByteBot. */
export function ownHosts({ host, port, publicUrl, guard, bytebot, driver }: Config): OwnHost[] {
  const own = [{ host, port }, guard, addressOf(publicUrl)];
  if (driver !== "bytebot") return own;
  const urls = bytebot.flatMap(({ url, agentUrl }) =>
    agentUrl === undefined ? [url] : [url, agentUrl],
  );
  const local = BYTEBOT_PORTS.map((number) => ({ host: "localhost", port: number }));
  return [...own, ...urls.map(addressOf), ...local];
}

/** Of an http or https URL. */
export function addressOf(text: string): OwnHost {
  const { hostname, port, protocol } = new URL(text);
  return { host: hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) };
}
