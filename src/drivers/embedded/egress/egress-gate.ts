import { canonicalAddress, isOneMachine, isOwnMachine, isPublicAddress } from "./address-rule.ts";
import { addressOf, type EgressTarget, placeOf } from "./egress-target.ts";
import type { IsOwn } from "./own-endpoints.ts";
import { resolveHost } from "./resolve-host.ts";

export type EgressDecision =
  | {
      readonly allowed: true;
      /** The host is an address that the policy lists as such. */
      readonly listedAddress?: boolean;
      /** The policy lists the host with this very port. */
      readonly listedPort?: boolean;
    }
  | { readonly allowed: false; readonly reason: string };

export interface EgressRules {
  /** What policy says of a target; `allowed_domains` in the end. */
  decide(target: EgressTarget): EgressDecision | Promise<EgressDecision>;
  /** Whether the gateway, its guard or ByteBot listens there: refused whatever policy says. */
  readonly isOwn: IsOwn;
  /** Rejects or resolves with nothing where a name has no address. */
  resolve?(host: string, signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * Which resolved addresses may be connected to. Default: those of the public Internet, and of them
   * this machine's only where the port is listed.
   */
  isReachable?(address: string): boolean;
}

/** Addresses to connect to, in order, and to no other; or why there are none. */
export type Admission =
  | {
      readonly addresses: readonly string[];
      /**
       * Whether a tunnel there may carry what cannot be read. On this machine a proxy may stand before
       * the gateway at any port: there only where the port is listed.
       */
      readonly opaque: boolean;
    }
  | { readonly refused: string; readonly kind: "rule" | "unresolved" };

const LOOPBACK = ["127.0.0.1", "::1"];

/** More are not tried. */
const MAX_ADDRESSES = 4;

/**
 * Decides about one connection: first policy on the name, then the addresses it resolves to. They
 * are what is connected to: a name server that answers differently the next time changes nothing.
 */
export async function admit(
  rules: EgressRules,
  target: EgressTarget,
  signal: AbortSignal,
): Promise<Admission> {
  const decision = await rules.decide(target);
  if (!decision.allowed) return refuse(decision.reason);
  const found = await addressesOf(rules, target, decision, signal);
  if (!Array.isArray(found)) return found;
  for (const address of found) {
    if (await rules.isOwn(address, target.port)) {
      return refuse(
        "the gateway's and ByteBot's own addresses, and those of CORS_ORIGINS, are never reached from the desktop",
      );
    }
  }
  return { addresses: found, opaque: decision.listedPort === true || !found.some(isOwnMachine) };
}

async function addressesOf(
  rules: EgressRules,
  target: EgressTarget,
  { listedAddress = false, listedPort = false }: Extract<EgressDecision, { allowed: true }>,
  signal: AbortSignal,
): Promise<string[] | Extract<Admission, { refused: string }>> {
  const isReachable =
    rules.isReachable ??
    ((address) => isPublicAddress(address) && (listedPort || !isOwnMachine(address)));
  const literal = addressOf(target.host);
  if (literal !== undefined) {
    const address = canonicalAddress(literal);
    if (address === undefined || !listedAddress)
      return refuse("an address must be listed as it is");
    return isOneMachine(address) ? [address] : refuse("no single machine has this address");
  }
  if (target.host === "localhost") return LOOPBACK;
  const resolved = await resolve(rules, target.host, signal);
  if (resolved.length === 0) {
    return { refused: `no address is known for ${target.host}`, kind: "unresolved" };
  }
  const reachable = resolved.filter(isReachable).slice(0, MAX_ADDRESSES);
  if (reachable.length > 0) return reachable;
  return refuse(
    `${placeOf(target)} leads to this machine or a private network, not to the Internet`,
  );
}

async function resolve(rules: EgressRules, host: string, signal: AbortSignal): Promise<string[]> {
  try {
    const addresses = await (rules.resolve ?? resolveHost)(host, signal);
    return addresses.map(canonicalAddress).filter((address) => address !== undefined);
  } catch {
    return [];
  }
}

function refuse(refused: string): Extract<Admission, { refused: string }> {
  return { refused, kind: "rule" };
}
