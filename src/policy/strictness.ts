import { higherRisk, stricterMode } from "./decide.ts";
import type { Decision, Permission } from "./decision.ts";

/**
 * Why the present policy asks for more than what was approved, or undefined where the approval
 * still stands: asked before each step.
 */
export function isStricter(
  previous: Pick<Permission, "risk" | "mode" | "approvals">,
  now: Decision,
): string | undefined {
  if (now.effect === "deny") return `it is no longer allowed: ${now.detail}`;
  if (stricterMode(previous.mode, now.mode) !== previous.mode) {
    return `it now needs the confirmation ${now.mode}, not ${previous.mode} (${now.rule})`;
  }
  if (now.approvals > previous.approvals) {
    return `it now needs ${now.approvals} approvals, not ${previous.approvals} (${now.rule})`;
  }
  return higherRisk(previous.risk, now.risk) === previous.risk
    ? undefined
    : `its risk is now ${now.risk}, not ${previous.risk}`;
}
