import type { Decision } from "./decision.ts";
import { isStricter } from "./strictness.ts";

export type Comparison = "unchanged" | "stricter" | "laxer" | "mixed";

/** What another decision on the same action asks for: more, less, or more of one and less of another. */
export function compareDecisions(before: Decision, after: Decision): Comparison {
  const more = asksForMore(before, after);
  const less = asksForMore(after, before);
  if (more && less) return "mixed";
  if (more) return "stricter";
  return less ? "laxer" : "unchanged";
}

function asksForMore(before: Decision, after: Decision): boolean {
  // Nothing is stricter than a denial.
  return before.effect === "allow" && isStricter(before, after) !== undefined;
}
