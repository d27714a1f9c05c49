import { Link } from "wouter";
import type { DryRunView } from "../../src/contract/operate.ts";
import { Inert } from "../parts/inert.tsx";
import { Moment } from "../parts/time.tsx";
import { DecisionLine } from "./decision-line.tsx";
import { type ChangeGroup, groupChanges } from "./group-changes.ts";
import { Tiles } from "./tiles.tsx";

const DIRECTION_WORDS: Readonly<Record<ChangeGroup["direction"], string>> = {
  laxer: "Asks less",
  mixed: "Asks for something else",
  stricter: "Asks more",
};

/** What another policy would have decided otherwise. */
export function DryRunResult({ view }: { view: DryRunView }) {
  if (!view.valid) return <Refused problems={view.problems ?? []} />;
  const { counts, checked, skipped, complete, warnings = [] } = view;
  const changes = counts.steps - counts.unchanged;
  return (
    <div className="dry-run-result">
      <h3>
        {changes === 0 ? "Nothing would change" : `${changes} of ${counts.steps} steps change`}
      </h3>
      <p>
        Looked at {checked} {checked === 1 ? "plan" : "plans"}
        {skipped > 0 && `; ${skipped} could not be decided anew and were left out`}.
        {!complete && " Not all could be looked at in the time there is."}
      </p>
      {warnings.length > 0 && (
        <div className="caution">
          <h4>Look at these</h4>
          <Lines lines={warnings} />
        </div>
      )}
      {counts.steps > 0 && (
        <Tiles
          tiles={[
            { name: "unchanged", value: counts.unchanged },
            { name: "ask more", value: counts.stricter },
            { name: "newly refused", value: counts.newly_denied },
            { name: "ask less", value: counts.laxer, warns: counts.laxer > 0 },
            {
              name: "run without a person, and did not",
              value: counts.newly_unattended,
              warns: counts.newly_unattended > 0,
            },
            ...(counts.mixed > 0 ? [{ name: "ask for something else", value: counts.mixed }] : []),
          ]}
        />
      )}
      <ul className="groups">
        {groupChanges(view.changed).map((group) => (
          <li key={group.id}>
            <Group group={group} />
          </li>
        ))}
      </ul>
      {view.changed.length < changes && (
        <p className="hint">The newest {view.changed.length} are listed; the numbers are of all.</p>
      )}
    </div>
  );
}

function Group({ group: { direction, action, rule, changes } }: { group: ChangeGroup }) {
  const [first] = changes;
  return (
    <details className={`group ${direction}`}>
      <summary>
        <span className="group-head">
          <span className={`direction ${direction}`}>{DIRECTION_WORDS[direction]}</span>{" "}
          <code>
            <Inert text={action} />
          </code>{" "}
          <span className="times">
            {changes.length} {changes.length === 1 ? "step" : "steps"}
          </span>
        </span>
        <span className="group-change">
          <DecisionLine decision={first.before} /> <span aria-hidden="true">→</span>
          <span className="visually-hidden">becomes</span> <DecisionLine decision={first.after} />
        </span>
        <span className="hint">
          by <Inert text={rule} />
        </span>
      </summary>
      <ul className="entries">
        {changes.map(({ task_id, step, summary, key_id, planned_at, after }) => (
          <li key={`${task_id} ${step}`} className="entry">
            <div>
              <p>
                <Link href={`/console/tasks/${task_id}`}>
                  <Inert text={summary} />
                </Link>
              </p>
              <p className="hint">
                by <Inert text={key_id} />, <Moment at={planned_at} />
                {step > 0 && `, step ${step + 1}`}
                {after.detail !== undefined && (
                  <>
                    : <Inert text={after.detail} />
                  </>
                )}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Refused({ problems }: { problems: readonly string[] }) {
  return (
    <div className="problem" role="alert">
      <p>
        <strong>This policy would be refused.</strong>
      </p>
      <Lines lines={problems} />
    </div>
  );
}

function Lines({ lines }: { lines: readonly string[] }) {
  return (
    <ul className="lines">
      {lines.map((line) => (
        <li key={line}>
          <Inert text={line} />
        </li>
      ))}
    </ul>
  );
}
