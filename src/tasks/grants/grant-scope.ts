import { normalisePath, pathProblem } from "../../lib/posix-path.ts";
import type { Facts } from "../../policy/decision.ts";
import { matchPath } from "../../policy/path-rule.ts";
import { canonicalHost, isHostAddress, parseWebUrl } from "../../policy/web-url.ts";
import type { GrantScope } from "./grant.ts";

/**
 * Whether what a step touches lies within the scope: a path by whole components, as the plan has it,
 * resolved; a page by exactly its host, on the ports of http and https only.
 */
export function isInScope(scope: GrantScope, { path, url }: Facts): boolean {
  if (scope.path_prefix !== undefined) {
    return path !== undefined && "rule" in matchPath(path, [scope.path_prefix]);
  }
  const page = url === undefined ? undefined : parseWebUrl(url);
  if (page === undefined || "problem" in page) return false;
  return page.host === scope.domain && !page.namesPort && !page.isAddress;
}

/** A folder or file as a grant keeps it, or why it cannot be one. */
export function readPrefix(text: string): GrantScope | { readonly problem: string } {
  if (!text.startsWith("/")) return { problem: "path_prefix is not absolute" };
  const problem = pathProblem(text);
  if (problem !== undefined) return { problem: `path_prefix: ${problem}` };
  const prefix = normalisePath(text);
  if (prefix === "/") return { problem: "path_prefix would cover every path" };
  return { path_prefix: prefix };
}

/** A host as a grant keeps it: lower case, in its ASCII form, without a dot at its end. */
export function readDomain(text: string): GrantScope | { readonly problem: string } {
  const domain = canonicalHost(text);
  if (domain === undefined) return { problem: "domain is not the name of a host" };
  if (isHostAddress(domain)) return { problem: "domain is an address, not a name" };
  return { domain };
}
