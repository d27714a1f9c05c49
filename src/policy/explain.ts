import { CONFIRMATION_MODES, type ConfirmationMode, type Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { CHECKS, type Change, type CheckInput } from "./checks.ts";
import { checkInput, permit } from "./decide.ts";
import type { Decision, Proposal } from "./decision.ts";

interface ExplainedCheck {
  readonly name: string;
  readonly outcome: "passed" | "skipped" | "denied" | "not reached";
  /** The rule that spoke, or why the check does not concern the action. */
  readonly note: string;
}

export interface Explanation {
  /** The same as `decide` gives. */
  readonly decision: Decision;
  /** The rule that decided: what denied, or what set the confirmation. */
  readonly rule: string;
  /** Every check in order. */
  readonly checks: readonly ExplainedCheck[];
  /** What would change the decision: for a denial what lets it pass, else what forbids or asks more. */
  readonly changes: readonly (Change & { readonly effect: string })[];
}

/** How policy comes to its decision on a proposal, for `policy explain`. */
export function explain(policy: Policy, principal: Principal, proposal: Proposal): Explanation {
  const input = checkInput(policy, principal, proposal);
  const checks: ExplainedCheck[] = [];
  let decision: Decision | undefined;
  let change: Change | undefined;
  for (const { name, run } of CHECKS) {
    if (decision !== undefined) {
      checks.push({ name, outcome: "not reached", note: "an earlier check denied" });
      continue;
    }
    const verdict = run(input);
    if (verdict.outcome === "denied") {
      decision = verdict.denial;
      change = verdict.change;
      checks.push({ name, outcome: "denied", note: verdict.denial.detail });
    } else {
      checks.push({ name, ...verdict });
    }
  }
  decision ??= permit(input);
  return { decision, rule: decision.rule, checks, changes: changesOf(input, decision, change) };
}

function changesOf(
  input: CheckInput,
  decision: Decision,
  change: Change | undefined,
): Explanation["changes"] {
  if (decision.effect === "deny") {
    return change === undefined ? [] : [{ effect: "lets this check pass", ...change }];
  }
  const place = { file: "policy.json", pointer: `/capabilities/${input.proposal.action}` } as const;
  const modes = CONFIRMATION_MODES.filter((mode) => {
    const { mode: then } = permit({
      ...input,
      capability: { ...input.capability, confirmation: mode },
    });
    return then === mode && then !== decision.mode;
  });
  return [
    ...modes.map((mode) => ({
      effect: MODE_EFFECTS[mode],
      ...place,
      line: `"confirmation": "${mode}"`,
    })),
    { effect: "forbids it", ...place, line: '"enabled": false' },
  ];
}

const MODE_EFFECTS: Readonly<Record<ConfirmationMode, string>> = {
  none: "runs it without any confirmation",
  client: "takes the execute call as the confirmation",
  approver: "asks an approver",
};
