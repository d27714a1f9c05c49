import type { ReactNode } from "react";
import { RiskBadge } from "../parts/facts.tsx";
import { duration } from "../parts/time.tsx";
import { MODE_WORDS, RISKS, type ShownPolicy } from "./policy-words.ts";

/** Who confirms at each risk, and what holds for everything. */
export function PolicySettings({ policy }: { policy: ShownPolicy }) {
  const { confirmation, approvals, passkey, grants } = policy;
  return (
    <section className="part" aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      <div className="columns">
        <div>
          <h3>Who confirms</h3>
          <dl className="facts">
            {RISKS.map((risk) => (
              <Fact key={risk} name={<RiskBadge risk={risk} />}>
                {MODE_WORDS[confirmation[risk]]}
                {approvals[risk] > 1 && `, ${approvals[risk]} different ones`}
              </Fact>
            ))}
            <Fact name="Passkey touch">
              {passkey === "never" ? "not asked for" : `to approve from ${passkey} risk on`}
            </Fact>
            <Fact name="Allowing for a while">
              {grants.enabled ? `possible, up to ${grants.max_minutes} min` : "not possible"}
            </Fact>
          </dl>
          <h3>Before a click</h3>
          <dl className="facts">
            <Fact name="Target">{targetWords(policy.target_check)}</Fact>
          </dl>
        </div>
        <div>
          <h3>Security and limits</h3>
          <dl className="facts">
            {SECURITY.map(({ name, read }) => (
              <Fact key={name} name={name}>
                {read(policy.security)}
              </Fact>
            ))}
          </dl>
        </div>
      </div>
    </section>
  );
}

function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function targetWords({ enabled, tolerance, radius_px }: ShownPolicy["target_check"]): string {
  if (!enabled) return "not compared with what was approved";
  return `must look as approved: ${radius_px} px around it, ${Math.round(tolerance * 1000) / 10} % may differ`;
}

type Security = ShownPolicy["security"];

const SECURITY: readonly { name: string; read: (security: Security) => string }[] = [
  {
    name: "Signed requests",
    read: ({ require_signature: needed }) =>
      needed ? "required" : "not required: reachable from this machine only",
  },
  {
    name: "Clocks may differ by",
    read: ({ signature_tolerance_ms: ms }) => duration(Math.round(ms / 1000)),
  },
  { name: "Tasks at once", read: ({ max_concurrent_tasks: tasks }) => number(tasks) },
  { name: "Tasks that may queue", read: ({ max_queued_tasks: tasks }) => number(tasks) },
  { name: "A plan holds for", read: ({ plan_ttl_s: seconds }) => duration(seconds) },
  { name: "A task may run for", read: ({ max_task_duration_s: seconds }) => duration(seconds) },
  {
    name: "Requests of a key",
    read: ({ rate_limit_per_minute: requests }) => `${number(requests)} a minute`,
  },
  {
    name: "Plans of a key that have not begun",
    read: ({ max_pending_mb: size }) => `${number(size)} MiB`,
  },
  {
    name: "Artifacts of a key",
    read: ({ max_artifacts_mb: size }) => `${number(size)} MiB, the oldest go first`,
  },
  {
    name: "Strangers see events",
    read: ({ anonymous_events: open }) => (open ? "names, ids, times and progress" : "no"),
  },
];

function number(value: number): string {
  return value.toLocaleString();
}
