import fc from "fast-check";
import { expect, test } from "vitest";
import { type Policy, RISK_LEVELS, type RiskLevel } from "../contract/policy.ts";
import { buildPolicy } from "../policy/build-policy.ts";
import { decide } from "../policy/decide.ts";
import { neutralPrincipal } from "./neutral-principal.ts";
import { recordedRiskFactors } from "./recorded-risk-factors.ts";

const policy: Policy = buildPolicy(
  { capabilities: { wait: { enabled: true } } },
  { actions: ["wait"], protectedHosts: [] },
);

/** What a recorded decision would be of these reasons to raise its risk. */
function reasonsOf(
  risk: RiskLevel,
  riskFactors: readonly { reason: string; by: "one" | "high" }[],
) {
  const decision = decide(policy, neutralPrincipal("a"), {
    action: "wait",
    risk,
    facts: {},
    riskFactors,
  });
  return decision.effect === "allow" ? decision.reasons : [];
}

test("finds exactly the reasons that the request itself did not give, whatever they say", () => {
  const reason = fc.oneof(
    fc.string(),
    fc.constantFrom("low risk: x", "confirmation none: y", "overwrites a file", ""),
  );
  const raise = fc.record({ reason, by: fc.constantFrom("one" as const, "high" as const) });
  fc.assert(
    fc.property(
      fc.constantFrom(...RISK_LEVELS),
      fc.array(raise, { maxLength: 4 }),
      fc.array(reason, { maxLength: 4 }),
      (risk, asked, seen) => {
        const riskFactors = seen.map((text) => ({ reason: text, by: "one" as const }));
        const found = recordedRiskFactors(reasonsOf(risk, [...asked, ...riskFactors]), asked);
        expect(found).toEqual(riskFactors);
      },
    ),
  );
});

test("takes nothing from what is no decision's reasons", () => {
  expect(recordedRiskFactors([], [])).toEqual([]);
  expect(
    recordedRiskFactors(["low risk: the level of wait", "x", "confirmation none: y"], []),
  ).toEqual([]);
});
