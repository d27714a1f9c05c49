import type { ExplanationView } from "../../src/contract/operate.ts";
import { Inert } from "../parts/inert.tsx";
import { CopyButton } from "./copy-button.tsx";
import { DecisionLine } from "./decision-line.tsx";

type Outcome = ExplanationView["checks"][number]["outcome"];

const MARKS: Readonly<Record<Outcome, string>> = {
  passed: "✓",
  denied: "✗",
  skipped: "–",
  "not reached": "·",
};

/** Which rule decided, by which checks, and what would make it otherwise. */
export function Explanation({ view }: { view: ExplanationView }) {
  const { decision, rule, checks, changes } = view;
  return (
    <div className="explanation">
      <h3>
        <code>{view.action}</code> <DecisionLine decision={decision} />
      </h3>
      {decision.detail !== undefined && (
        <p>
          <Inert text={decision.detail} />
        </p>
      )}
      <p>
        Decided by{" "}
        <code className="chip">
          <Inert text={rule} />
        </code>
        {decision.code !== undefined && (
          <>
            {" "}
            with <code className="chip">{decision.code}</code>
          </>
        )}
      </p>
      {(decision.reasons ?? []).length > 0 && (
        <ul className="reasons">
          {decision.reasons?.map((reason) => (
            <li key={reason}>
              <Inert text={reason} />
            </li>
          ))}
        </ul>
      )}
      {changes.length > 0 && (
        <>
          <h4>What would change it</h4>
          <ul className="changes">
            {changes.map(({ effect, file, pointer, line }) => (
              <li key={`${pointer} ${line}`}>
                <p>
                  In <code>{file}</code> at{" "}
                  <code>
                    <Inert text={pointer} />
                  </code>
                  , this {effect}:
                </p>
                <pre className="inert">
                  <Inert text={line} />
                </pre>
                <CopyButton text={line} label="Copy the line" />
              </li>
            ))}
          </ul>
        </>
      )}
      <details>
        <summary>Every check in order</summary>
        <ol className="checks">
          {checks.map(({ name, outcome, note }) => (
            <li key={name} className={`outcome ${outcome.replace(" ", "-")}`}>
              <span className="outcome-mark" aria-hidden="true">
                {MARKS[outcome]}
              </span>
              <span>
                <strong>{name}</strong> {outcome}: <Inert text={note} />
              </span>
            </li>
          ))}
        </ol>
      </details>
    </div>
  );
}
