import type { DecisionView } from "../../src/contract/operate.ts";
import { RiskBadge } from "../parts/facts.tsx";
import { MODE_WORDS } from "./policy-words.ts";

/** What policy says, in a line: refused, or how risky and who confirms. */
export function DecisionLine({ decision }: { decision: DecisionView }) {
  if (decision.effect === "deny") return <span className="decision denied">refused</span>;
  const { risk, mode, approvals = 0 } = decision;
  return (
    <span className="decision">
      {risk !== undefined && <RiskBadge risk={risk} />} {mode !== undefined && MODE_WORDS[mode]}
      {approvals > 1 && `, ${approvals} of them`}
    </span>
  );
}
