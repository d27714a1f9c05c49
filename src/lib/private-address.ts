import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** ipaddr.js' names of the ranges that lead nowhere on the public internet. */
const PRIVATE: ReadonlySet<string> = new Set([
  "loopback",
  "private",
  "uniqueLocal",
  "carrierGradeNat",
]);

/** Whether an IP address belongs to this machine or a private network; false for what is no address. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) !== 0 && PRIVATE.has(ipaddr.process(bare).range());
}
