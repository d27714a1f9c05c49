import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";

/** All that is globally routed in IPv6 (RFC 4291, section 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** Addresses that name no one machine, whatever is listed. */
const NOBODY = new Set(["unspecified", "multicast", "broadcast"]);

/** Whether an address is one of the public Internet: not this machine, not its networks. */
export function isPublicAddress(address: string): boolean {
  const parsed = parse(address);
  if (parsed?.range() !== "unicast") return false;
  return !(parsed instanceof ipaddr.IPv6) || parsed.match(GLOBAL_UNICAST);
}

/** Whether something can be connected to there at all. */
export function isOneMachine(address: string): boolean {
  const range = parse(address)?.range();
  return range !== undefined && !NOBODY.has(range);
}

/** Whether an address leads to this machine: loopback, "any", or one of its interfaces. */
export function isOwnMachine(address: string): boolean {
  const parsed = parse(address);
  if (parsed === undefined) return false;
  const range = parsed.range();
  if (range === "loopback" || range === "unspecified") return true;
  const text = parsed.toString();
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some((own) => canonicalAddress(own.address) === text);
}

/** One spelling for each address, IPv4 where it is mapped into IPv6; undefined: it is no address. */
export function canonicalAddress(address: string): string | undefined {
  return parse(address)?.toString();
}

function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = address.replace(/%.*$/, "");
  // The library alone would also take `127.1` and `2130706433`.
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare);
}
