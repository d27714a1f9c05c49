import { RISK_LEVELS } from "../contract/policy.ts";
import type { RiskFactor } from "../policy/decision.ts";

const REASON = new RegExp(`^(?:${RISK_LEVELS.join("|")}) risk: `);

/**
 * The reasons of a recorded decision that raised its risk and did not come from the request itself,
 * but from what the desktop showed then: an existing file that would be overwritten. `reasons` as a
 * decision gives them: the level first, each raise, what set the confirmation last.
 */
export function recordedRiskFactors(
  reasons: readonly string[],
  asked: readonly RiskFactor[],
): RiskFactor[] {
  const known = asked.map(({ reason }) => reason);
  return reasons.slice(1, -1).flatMap((text): RiskFactor[] => {
    if (!REASON.test(text)) return [];
    const reason = text.replace(REASON, "");
    const index = known.indexOf(reason);
    if (index < 0) return [{ reason, by: "one" }];
    known.splice(index, 1);
    return [];
  });
}
