import fc from "fast-check";
import { expect, test } from "vitest";
import { CONFIRMATION_MODES, RISK_LEVELS } from "../contract/policy.ts";
import { compareDecisions } from "./compare-decisions.ts";
import type { Decision } from "./decision.ts";

const permission = fc.record({
  effect: fc.constant("allow" as const),
  risk: fc.constantFrom(...RISK_LEVELS),
  reasons: fc.constant([]),
  mode: fc.constantFrom(...CONFIRMATION_MODES),
  approvals: fc.nat(3),
  rule: fc.constant("rule"),
});
const denial = fc.constant({
  effect: "deny" as const,
  code: "path_not_allowed" as const,
  rule: "rule",
  detail: "no",
  extras: {},
});
const decision: fc.Arbitrary<Decision> = fc.oneof(permission, denial);
const OPPOSITE = { stricter: "laxer", laxer: "stricter", mixed: "mixed", unchanged: "unchanged" };

test("a change back is the opposite, and what is the same is unchanged", () => {
  fc.assert(
    fc.property(decision, decision, (before, after) => {
      expect(compareDecisions(after, before)).toBe(OPPOSITE[compareDecisions(before, after)]);
      expect(compareDecisions(before, before)).toBe("unchanged");
    }),
  );
});

test("a denial in place of a permission is stricter", () => {
  fc.assert(
    fc.property(permission, denial, (before, after) => {
      expect(compareDecisions(before, after)).toBe("stricter");
    }),
  );
});
