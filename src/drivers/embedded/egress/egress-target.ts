import { isIPv4 } from "node:net";

/** Where a program of the desktop wants to connect to. */
export interface EgressTarget {
  /** A tunnel is `https` but for port 80: what goes through it is not looked at. */
  readonly scheme: "http" | "https";
  /** As a URL carries it: lower case, ASCII, IPv6 in brackets, no trailing dot. */
  readonly host: string;
  readonly port: number;
}

const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^\s/?#@\\:[\]%]+):(\d{1,5})$/i;
const ABSOLUTE_FORM = /^http:\/\/([^/?#@\\]+)((?:[/?][^#]*)?)(?:#.*)?$/i;
const PRINTABLE = /^[\u0021-\u007e]+$/;
const HOST_NAME = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
const MAX_HOST_LENGTH = 253;

/** The target of a CONNECT request (RFC 9110, section 9.3.6), or undefined for what is none. */
export function readTunnelTarget(authority: string): EgressTarget | undefined {
  const [, name = "", digits = ""] = AUTHORITY.exec(authority) ?? [];
  const host = canonicalHost(name);
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { scheme: port === 80 ? "http" : "https", host, port };
}

/** The target and the path of a request in absolute form (RFC 9112, section 3.2.2), or undefined. */
export function readRequestTarget(
  url: string,
): { readonly target: EgressTarget; readonly path: string } | undefined {
  if (!PRINTABLE.test(url)) return undefined;
  const [, place = "", rest = ""] = ABSOLUTE_FORM.exec(url) ?? [];
  const authority = /:\d+$/.test(place) ? place : `${place.replace(/:$/, "")}:80`;
  const target = readTunnelTarget(authority);
  if (target === undefined) return undefined;
  return {
    target: { ...target, scheme: "http" },
    path: rest.startsWith("/") ? rest : `/${rest}`,
  };
}

/** Whether the target of a request is a path (RFC 9112, section 3.2.1). */
export function isPath(url: string): boolean {
  return url.startsWith("/") && PRINTABLE.test(url);
}

/** `host:port`, for people and for the Host field. */
export function placeOf({ host, port }: EgressTarget): string {
  return `${host}:${port}`;
}

/** The address in a host that is one, without brackets; undefined: the host is a name. */
export function addressOf(host: string): string | undefined {
  if (host.startsWith("[")) return host.slice(1, -1);
  return isIPv4(host) ? host : undefined;
}

/** The URL parser knows every spelling of an address: `0x7f.1`, `2130706433`, `[::ffff:127.0.0.1]`. */
function canonicalHost(name: string): string | undefined {
  const host = URL.parse(`http://${name}/`)?.hostname.replace(/\.$/, "");
  if (host === undefined || host.length > MAX_HOST_LENGTH) return undefined;
  return addressOf(host) !== undefined || HOST_NAME.test(host) ? host : undefined;
}
