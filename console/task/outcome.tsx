import type { TaskView } from "../../src/contract/task.ts";
import { TextBlock } from "../card/text-block.tsx";
import { Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { Moment } from "../parts/time.tsx";

/** What became of a task: its result, its error, or why it was turned down. */
export function Outcome({ task }: { task: TaskView }) {
  const { error, rejection, result } = task;
  return (
    <>
      {rejection !== undefined && (
        <section className="outcome" aria-label="Rejection">
          <h3>
            Rejected by <Who keyId={rejection.key_id} />, <Moment at={rejection.at} />
          </h3>
          {rejection.reason !== undefined && (
            <p className="multiline">
              <Inert text={rejection.reason} multiline />
            </p>
          )}
          {rejection.proposal !== undefined && (
            <>
              <h4>Proposed instead</h4>
              <TextBlock
                text={JSON.stringify(rejection.proposal, null, 2)}
                label="Proposal"
                numbered={false}
              />
            </>
          )}
        </section>
      )}
      {error !== null && (
        <section className="outcome failed" aria-label="Error">
          <h3>It failed{error.step !== undefined && ` in step ${error.step + 1}`}</h3>
          <p>
            <Inert text={error.detail} />
          </p>
          {error.hint !== undefined && (
            <p className="hint">
              <Inert text={error.hint} />
            </p>
          )}
          <code className="code">{error.code}</code>
        </section>
      )}
      {result !== null && (
        <section className="outcome" aria-label="Result">
          <h3>Result</h3>
          <Result result={result} />
        </section>
      )}
    </>
  );
}

/** Fields of a result as they are read best: a text as its lines, the rest as JSON. */
function Result({ result }: { result: Record<string, unknown> }) {
  return (
    <dl className="parameters">
      {Object.entries(result).map(([name, value]) => (
        <div className="parameter" key={name}>
          <dt>
            <Inert text={name} />
          </dt>
          <dd>
            {typeof value === "string" && value.includes("\n") ? (
              <TextBlock text={value} label={name} />
            ) : typeof value === "object" && value !== null ? (
              <TextBlock text={JSON.stringify(value, null, 2)} label={name} numbered={false} />
            ) : (
              <code>
                <Inert text={String(value)} />
              </code>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
