import type { DecisionView } from "../contract/operate.ts";
import type { Decision } from "../policy/decision.ts";

/** A decision for a person: with its reasons only where they are asked for. */
export function viewDecision(decision: Decision, withReasons = false): DecisionView {
  if (decision.effect === "deny") {
    const { effect, code, detail } = decision;
    return { effect, code, detail };
  }
  const { effect, risk, mode, approvals, reasons } = decision;
  return { effect, risk, mode, approvals, ...(withReasons && { reasons: [...reasons] }) };
}
