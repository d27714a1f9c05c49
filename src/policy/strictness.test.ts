import { expect, test } from "vitest";
import type { Permission } from "./decision.ts";
import { isStricter } from "./strictness.ts";

const approved: Permission = {
  effect: "allow",
  risk: "medium",
  reasons: [],
  mode: "approver",
  approvals: 1,
  rule: "confirmation.medium",
};
const client: Permission = { ...approved, mode: "client", approvals: 0 };

test.each<[string, Permission, Partial<Permission>, RegExp | undefined]>([
  ["the same", approved, {}, undefined],
  ["laxer in everything", approved, { risk: "low", mode: "none", approvals: 0 }, undefined],
  [
    "an approver instead of the client",
    client,
    { mode: "approver", approvals: 1 },
    /approver, not client/,
  ],
  [
    "the client instead of nobody",
    { ...client, mode: "none" },
    { mode: "client", approvals: 0 },
    /client, not none/,
  ],
  ["two approvers", approved, { approvals: 2 }, /2 approvals, not 1/],
  ["a higher risk", approved, { risk: "high" }, /high, not medium/],
])("I16 %s", (_, previous, change, reason) => {
  const now = { ...previous, ...change };
  if (reason === undefined) expect(isStricter(previous, now)).toBeUndefined();
  else expect(isStricter(previous, now)).toMatch(reason);
});

test("I16 a denial is stricter than any approval, and says why", () => {
  const denial = {
    effect: "deny",
    code: "capability_disabled",
    rule: "r",
    detail: "off by policy",
    extras: {},
  } as const;
  expect(isStricter(approved, denial)).toMatch(/off by policy/);
});
