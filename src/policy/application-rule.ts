import type { RuleMatch } from "./rule-match.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Why an entry of `allowed_apps` cannot be one, or undefined. */
export function applicationRuleProblem(rule: string): string | undefined {
  return NAME.test(rule) ? undefined : "an application is a name such as firefox, without a path";
}

/** The entry that is the application's name, exactly. */
export function matchApplication(application: string, rules: readonly string[]): RuleMatch {
  if (!NAME.test(application)) return { problem: "it is not an application's name" };
  return rules.includes(application)
    ? { rule: application }
    : { problem: "it is not listed", entry: application };
}
