import { BlockList, isIP, isIPv4 } from "node:net";

/** An http or https URL as the WHATWG parser reads it, one trailing dot of its host taken off. */
export interface WebUrl {
  /** What is passed on; never the text that was asked for. */
  readonly href: string;
  /** Lower case, names in their ASCII form, IPv6 in brackets. */
  readonly host: string;
  /** The effective port. */
  readonly port: number;
  /** A port other than the scheme's own is named. */
  readonly namesPort: boolean;
  /** The host is an IPv4 or IPv6 address, however it was spelled. */
  readonly isAddress: boolean;
  /** Path, query and fragment. */
  readonly path: string;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
// The parser silently drops or turns around each of these; so the text and the URL would differ.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u0020\u007f-\u00a0\\]|\s/u;
const HOST_NAME = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
export const MAX_URL_LENGTH = 4096;

/** The URL, or why the text is not one that may be opened. Never throws. */
export function parseWebUrl(text: string): WebUrl | { readonly problem: string } {
  if (text.length > MAX_URL_LENGTH) return { problem: `it is over ${MAX_URL_LENGTH} characters` };
  if (FORBIDDEN.test(text) || !text.isWellFormed()) {
    return { problem: "it holds a space, a control character or a backslash" };
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined) return { problem: "it does not start with http:// or https://" };
  if (authority.includes("@")) return { problem: "it holds a user name" };
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") {
    return { problem: "it is not a valid URL" };
  }
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.slice(0, -1);
  const isAddress = isHostAddress(url.hostname);
  if (!isAddress && !HOST_NAME.test(url.hostname)) {
    return { problem: "its host is not a valid host name" };
  }
  return {
    href: url.href,
    host: url.hostname,
    port: url.port === "" ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port),
    namesPort: url.port !== "",
    isAddress,
    path: `${url.pathname}${url.search}${url.hash}`,
  };
}

/** The host as a URL would carry it, or undefined where it cannot stand in one. */
export function canonicalHost(host: string): string | undefined {
  const bracketed = isIP(host) === 6 ? `[${host}]` : host;
  if (/[\s/\\?#@%]/.test(bracketed) || /:\d*$/.test(bracketed.replace(/^\[.*\]/, ""))) return;
  const name = URL.parse(`http://${bracketed}/`)?.hostname.replace(/\.$/, "");
  return name !== undefined && (isHostAddress(name) || HOST_NAME.test(name)) ? name : undefined;
}

export function isHostAddress(host: string): boolean {
  return host.startsWith("[") || isIPv4(host);
}

const unspecified = new BlockList();
unspecified.addSubnet("0.0.0.0", 8, "ipv4");
unspecified.addAddress("::", "ipv6");
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether a canonical host leads to the machine that opens it: by name, loopback or "any" address. */
export function isLocalHost(host: string): boolean {
  return (
    /(?:^|\.)localhost(?:\.localdomain)?$/.test(host) ||
    isIn(loopback, host) ||
    isUnspecifiedHost(host)
  );
}

/** Whether a canonical host stands for every address of a machine, as in 0.0.0.0. */
export function isUnspecifiedHost(host: string): boolean {
  return isIn(unspecified, host);
}

function isIn(list: BlockList, host: string): boolean {
  if (!isHostAddress(host)) return false;
  const address = host.replace(/^\[(.*)\]$/, "$1");
  const plain = embeddedIpv4(address) ?? address;
  return list.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
}

/** The IPv4 address inside an IPv4-mapped or IPv4-compatible IPv6 one, such as ::ffff:7f00:1. */
function embeddedIpv4(address: string): string | undefined {
  const match = /^::(?:ffff:(?:0:)?)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (match === null) return undefined;
  const high = Number.parseInt(match[1] ?? "", 16);
  const low = Number.parseInt(match[2] ?? "", 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
