import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { CapabilityPolicy } from "../../src/contract/policy.ts";
import type { CapabilityView } from "../../src/contract/service.ts";
import { service } from "../api/service.ts";
import { RiskBadge } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { confirmationOf, limitsOf, MODE_WORDS, type ShownPolicy } from "./policy-words.ts";

/** Every action: whether it may be planned, how risky it is, who confirms it, and its bounds. */
export function CapabilityList({ policy }: { policy: ShownPolicy }) {
  const [offToo, setOffToo] = useState(true);
  // What the policy does not say of an action: its own risk, and what it is.
  const known = useQuery({
    queryKey: ["capabilities"],
    queryFn: ({ signal }) => service.capabilities(signal),
  });
  const all = Object.entries(policy.capabilities);
  const off = all.filter(([, { enabled }]) => !enabled).length;
  return (
    <section className="part" aria-labelledby="may">
      <header className="part-head">
        <h2 id="may">What may be done</h2>
        {off > 0 && (
          <label className="check">
            <input
              type="checkbox"
              checked={offToo}
              onChange={(event) => setOffToo(event.target.checked)}
            />
            <span>Also what is off ({off})</span>
          </label>
        )}
      </header>
      <ul className="capabilities">
        {all
          .filter(([, { enabled }]) => enabled || offToo)
          .map(([action, capability]) => (
            <li key={action} className={capability.enabled ? "capability" : "capability off"}>
              <Capability
                action={action}
                capability={capability}
                policy={policy}
                known={known.data?.capabilities[action]}
              />
            </li>
          ))}
      </ul>
    </section>
  );
}

function Capability({
  action,
  capability,
  policy,
  known,
}: {
  action: string;
  capability: CapabilityPolicy;
  policy: ShownPolicy;
  known: CapabilityView | undefined;
}) {
  const risk = capability.risk_level ?? known?.risk_level;
  const { mode, approvals, own } = confirmationOf(policy, capability, risk);
  return (
    <>
      <span className="capability-name">
        <code>{action}</code>
        {known !== undefined && <span className="hint">{known.description}</span>}
      </span>
      <span className="capability-risk">
        {capability.enabled ? (
          <span className="state on">on</span>
        ) : (
          <span className="state">off</span>
        )}
        {risk !== undefined && <RiskBadge risk={risk} />}
      </span>
      <span className="capability-mode">
        {mode !== undefined && MODE_WORDS[mode]}
        {mode === "approver" && approvals > 1 && `, ${approvals} of them`}
        {own && <span className="hint"> (set for this action)</span>}
      </span>
      <Limits action={action} capability={capability} />
    </>
  );
}

function Limits({ action, capability }: { action: string; capability: CapabilityPolicy }) {
  const limits = limitsOf(action, capability);
  if (limits.length === 0)
    return <span className="capability-limits hint">no bounds of its own</span>;
  return (
    <dl className="capability-limits">
      {limits.map(({ name, values, otherwise }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {values.length === 0 && <span className="hint">{otherwise}</span>}
            {values.map((value) => (
              <code className="chip" key={value}>
                <Inert text={value} />
              </code>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
