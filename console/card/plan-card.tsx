import type { StepView, TaskView } from "../../src/contract/task.ts";
import { isTelling } from "../inbox/waiting.ts";
import { Requester, RiskBadge, StatusBadge, Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { Moment, TimeLeft } from "../parts/time.tsx";
import { ParameterList } from "./parameter-list.tsx";
import { PreviewView } from "./previews.tsx";
import { Piece } from "./reveal.tsx";

/** All there is to know of a plan before deciding on it: every step, exactly, as inert text. */
export function PlanCard({ task, undecided }: { task: TaskView; undecided: boolean }) {
  const { steps } = task;
  return (
    <article className="plan" aria-label="The plan">
      <Piece className="plan-head">
        <div className="badges">
          <RiskBadge risk={task.estimated_risk} />
          <StatusBadge status={task.status} />
          {undecided && <TimeLeft until={Date.parse(task.expires_at)} />}
        </div>
        <h2 className="plan-summary">
          <Inert text={task.plan_summary} />
        </h2>
        {task.title !== undefined && (
          <p className="plan-title">
            Called “<Inert text={task.title} />”
          </p>
        )}
        <p className="plan-asked">
          Asked by <Requester keyId={task.requester} by={task.requested_by} /> · desktop{" "}
          <Inert text={task.desktop} /> · <Moment at={task.created_at} />
        </p>
      </Piece>
      {steps.map((step, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place in the plan
        <StepCard key={index} step={step} index={index} count={steps.length} />
      ))}
      <PlanFacts task={task} />
    </article>
  );
}

function StepCard({ step, index, count }: { step: StepView; index: number; count: number }) {
  const { action, parameters, summary, risk, reasons, rule, preview } = step;
  return (
    <section className="step" aria-label={`Step ${index + 1} of ${count}`}>
      <Piece className="step-head">
        <h3>
          <span className="step-number">{count === 1 ? "Does" : `${index + 1} of ${count}`}</span>{" "}
          <code>
            <Inert text={action} />
          </code>{" "}
          {count > 1 && <RiskBadge risk={risk} />}
        </h3>
        {count > 1 && (
          <p>
            <Inert text={summary} />
          </p>
        )}
        {reasons.length > 0 && (
          <ul className="reasons" aria-label="Why this risk">
            {reasons.map((reason) => (
              <li key={reason} className={isTelling(reason) ? undefined : "rule"}>
                <Inert text={reason} />
              </li>
            ))}
          </ul>
        )}
        {rule !== undefined && (
          <p className="rule">
            Decided by policy{" "}
            <code>
              <Inert text={rule} />
            </code>
          </p>
        )}
      </Piece>
      {preview !== undefined && (
        <div className="preview">
          <PreviewView preview={preview} />
        </div>
      )}
      <h4>Exact parameters</h4>
      <ParameterList parameters={parameters} />
    </section>
  );
}

const MODES = {
  none: () => "nobody",
  client: () => "the signed execute call",
  approver: (needed: number) => (needed === 1 ? "one person" : `${needed} different people`),
} as const;

function PlanFacts({ task }: { task: TaskView }) {
  const { mode, approvals_required: needed } = task.confirmation;
  const by = task.requested_by;
  return (
    <Piece className="plan-facts">
      <dl className="facts">
        <dt>Confirmed by</dt>
        <dd>{MODES[mode](needed)}</dd>
        {by !== undefined && (
          <>
            <dt>On behalf of</dt>
            <dd>
              {[by.name, by.email, by.id, by.role]
                .filter((part) => part !== undefined)
                .map((part) => (
                  <span className="claim" key={part}>
                    <Inert text={part} />
                  </span>
                ))}
              {by.verified ? "verified" : "only claimed"}
            </dd>
          </>
        )}
        {task.approvals.map((approval) => (
          <Approval key={`${approval.key_id} ${approval.at}`} approval={approval} />
        ))}
        <dt>Task</dt>
        <dd>
          <code>{task.task_id}</code>
        </dd>
        <dt>Digest</dt>
        <dd>
          <code>{task.plan_digest}</code>
        </dd>
        <dt>Holds until</dt>
        <dd>
          <Moment at={task.expires_at} />
        </dd>
      </dl>
    </Piece>
  );
}

function Approval({ approval }: { approval: TaskView["approvals"][number] }) {
  return (
    <>
      <dt>Approved</dt>
      <dd>
        <Who keyId={approval.key_id} />
        {approval.via === "grant" && ` by a standing permission (${approval.grant_id ?? ""})`}
        {approval.via !== undefined && approval.via !== "grant" && ` on its own ${approval.via}`}
        {approval.on_behalf_of !== undefined && (
          <>
            {" for "}
            <Inert text={approval.on_behalf_of} />, as it claims
          </>
        )}
        , <Moment at={approval.at} />
      </dd>
    </>
  );
}
