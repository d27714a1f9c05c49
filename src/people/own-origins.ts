import { isIP } from "node:net";
import { isLoopbackHost } from "../lib/loopback-host.ts";

export interface Addresses {
  /** Without a slash at its end. */
  readonly publicUrl: string;
  /** What the server is bound to. */
  readonly port: number;
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Where this gateway is reached by browsers, and what each address is good for. */
export class OwnOrigins {
  readonly #addresses: () => Addresses;

  constructor(addresses: () => Addresses) {
    this.#addresses = addresses;
  }

  /** Whether an Origin header names this gateway: PUBLIC_URL's, or a loopback name with its port. */
  isOwn(origin: string | undefined): origin is string {
    if (origin === undefined) return false;
    const { publicUrl, port } = this.#addresses();
    if (origin === new URL(publicUrl).origin) return true;
    return LOOPBACK_NAMES.some((name) => origin === new URL(`http://${name}:${port}`).origin);
  }

  /** Where links for people lead: a browser lets an IP address have no passkeys, `localhost` it does. */
  get linkBase(): string {
    const url = new URL(this.#addresses().publicUrl);
    if (isIpAddress(url.hostname) && isLoopbackHost(url.hostname)) url.hostname = "localhost";
    return url.href.replace(/\/+$/, "");
  }

  /** Whether cookies of PUBLIC_URL travel encrypted. */
  get isPublicSecure(): boolean {
    return this.#addresses().publicUrl.startsWith("https:");
  }
}

/**
 * The relying party of an own origin: its host name (WebAuthn Level 3, section 5.1.2). undefined
 * where a browser would refuse: an IP address, or no secure context.
 */
export function relyingPartyOf(origin: string): string | undefined {
  const { hostname, protocol } = new URL(origin);
  if (isIpAddress(hostname)) return undefined;
  const isLocal = hostname === "localhost" || hostname.endsWith(".localhost");
  return protocol === "https:" || isLocal ? hostname : undefined;
}

function isIpAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
}
