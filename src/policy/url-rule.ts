import type { ProtectedHost } from "../contract/policy.ts";
import type { RuleMatch } from "./rule-match.ts";
import {
  canonicalHost,
  isHostAddress,
  isLocalHost,
  isUnspecifiedHost,
  parseWebUrl,
  type WebUrl,
} from "./web-url.ts";

/** An entry of `allowed_domains`, read. */
interface DomainRule {
  readonly text: string;
  readonly host: string;
  /** `*.host`: what lies below the host, not the host itself. */
  readonly wildcard: boolean;
  /** `web` is 80 and 443. */
  readonly ports: "web" | "any" | number;
}

const ENTRY = /^(?<wildcard>\*\.)?(?<host>\[[0-9a-fA-F:.]+\]|[^*:[\]]+)(?::(?<port>\d{1,5}|\*))?$/;

/** Why an entry of `allowed_domains` cannot be one, or undefined. */
export function domainRuleProblem(text: string): string | undefined {
  const rule = readRule(text);
  return "problem" in rule ? rule.problem : undefined;
}

/** Whether the entry, a valid one, reaches far: every port, or everything below a top-level domain. */
export function isBroadDomainRule(text: string): boolean {
  const rule = readRule(text);
  if ("problem" in rule) return false;
  return (rule.wildcard && !rule.host.includes(".")) || text.endsWith(":*");
}

/** Whether the entry, a valid one, allows one port by its number. */
export function listsPort(text: string): boolean {
  const rule = readRule(text);
  return "host" in rule && typeof rule.ports === "number";
}

/** Whether the entry, a valid one, allows nearly every port of this machine. */
export function opensThisMachine(text: string): boolean {
  const rule = readRule(text);
  return "host" in rule && rule.ports === "any" && isLocalHost(rule.host);
}

/**
 * The entry that allows the URL. The gateway's and ByteBot's own places are refused whatever is
 * listed; so is every host of this machine where these places are not known.
 */
export function matchUrl(
  text: string,
  rules: readonly string[],
  protectedHosts: readonly ProtectedHost[] | undefined,
): RuleMatch {
  const url = parseWebUrl(text);
  if ("problem" in url) return url;
  if (
    protectedHosts === undefined
      ? isLocalHost(url.host)
      : protectedHosts.some((own) => isOwn(url, own))
  ) {
    return {
      problem:
        "the gateway's and ByteBot's own addresses, and those of CORS_ORIGINS, are never opened",
    };
  }
  const rule = readRules(rules).find((entry) => allows(entry, url));
  if (rule !== undefined) return { rule: rule.text };
  const place = url.namesPort ? `${url.host}:${url.port}` : url.host;
  return { problem: `${place} is not listed`, entry: place };
}

function isOwn(url: WebUrl, own: ProtectedHost): boolean {
  if (url.port !== own.port) return false;
  const host = canonicalHost(own.host);
  if (host === undefined || url.host === host || isLocalHost(url.host)) return true;
  return url.isAddress && isUnspecifiedHost(host);
}

function allows(rule: DomainRule, url: WebUrl): boolean {
  if (rule.ports === "web" ? url.port !== 80 && url.port !== 443 : false) return false;
  if (typeof rule.ports === "number" && url.port !== rule.ports) return false;
  if (!rule.wildcard) return url.host === rule.host;
  if (url.isAddress || !url.host.endsWith(`.${rule.host}`)) return false;
  // A name in another script can look like any other: its labels must be listed, not swept in by a star.
  const below = url.host.slice(0, -rule.host.length - 1);
  return below !== "" && !below.split(".").some((label) => label.startsWith("xn--"));
}

const readLists = new WeakMap<readonly string[], readonly DomainRule[]>();

/** The valid entries of a list, read once: lists of a policy are frozen. */
function readRules(rules: readonly string[]): readonly DomainRule[] {
  const known = readLists.get(rules);
  if (known !== undefined) return known;
  const read = rules.map(readRule).filter((rule): rule is DomainRule => !("problem" in rule));
  if (Object.isFrozen(rules)) readLists.set(rules, read);
  return read;
}

function readRule(text: string): DomainRule | { readonly problem: string } {
  const parts = ENTRY.exec(text)?.groups;
  const host = parts?.host === undefined ? undefined : canonicalHost(parts.host);
  if (parts === undefined || host === undefined) {
    return { problem: "a domain is a host name, *.name or an address, with :port or :* after it" };
  }
  const wildcard = parts.wildcard !== undefined;
  if (wildcard && isHostAddress(host)) return { problem: "an address has no subdomains" };
  const port = Number(parts.port);
  if (parts.port !== undefined && parts.port !== "*" && (port < 1 || port > 65_535)) {
    return { problem: "a port is a number from 1 to 65535, or *" };
  }
  const bare = host === "localhost" && !wildcard ? "any" : "web";
  return {
    text,
    host,
    wildcard,
    ports: parts.port === undefined ? bare : parts.port === "*" ? "any" : port,
  };
}
