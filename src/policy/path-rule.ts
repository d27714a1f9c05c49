import { isWithin, normalisePath, pathProblem } from "../lib/posix-path.ts";
import type { RuleMatch } from "./rule-match.ts";

/** Why an entry of `allowed_paths` cannot be one, or undefined. */
export function pathRuleProblem(rule: string): string | undefined {
  return rule.startsWith("/") ? pathProblem(rule) : "a path in a policy is absolute";
}

/**
 * The entry that is the path or a folder above it, by whole components: "/tmp" allows neither
 * "/tmpfoo" nor "/". A path that is not absolute and normalised matches nothing.
 */
export function matchPath(path: string, rules: readonly string[]): RuleMatch {
  if (pathProblem(path) !== undefined || normalisePath(path) !== path) {
    return { problem: "it is not an absolute, normalised path" };
  }
  const rule = rules.find(
    (entry) => pathRuleProblem(entry) === undefined && isWithin(path, normalisePath(entry)),
  );
  return rule === undefined ? { problem: "no allowed path holds it", entry: path } : { rule };
}
