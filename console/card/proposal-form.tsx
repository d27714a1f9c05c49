import { Inert } from "../parts/inert.tsx";
import { type DraftStep, requestOf, withField } from "./proposal.ts";

interface Props {
  readonly draft: readonly DraftStep[];
  readonly onDraft: (draft: DraftStep[]) => void;
  readonly json: string | undefined;
  readonly onJson: (json: string | undefined) => void;
  readonly title: string | undefined;
}

/** The plan's own parameters, to be changed one by one, or all of it as JSON. */
export function ProposalForm({ draft, onDraft, json, onJson, title }: Props) {
  if (json !== undefined) {
    return (
      <>
        <label className="field">
          <span>The proposal, as POST /plan takes it</span>
          <textarea
            className="code-input"
            rows={10}
            spellCheck={false}
            value={json}
            onChange={(event) => onJson(event.target.value)}
          />
        </label>
        <button type="button" className="link" onClick={() => onJson(undefined)}>
          Back to the fields
        </button>
      </>
    );
  }
  return (
    <>
      <p className="hint">
        The requester receives this and may plan it. It is checked and decided on like any plan.
      </p>
      {draft.map((step, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place in the plan
        <fieldset className="proposal-step" key={index}>
          <legend>
            <code>
              <Inert text={step.action} />
            </code>
          </legend>
          {step.fields.map(({ name, kind, text }) => (
            <label className="field" key={name}>
              <span>
                <Inert text={name} /> {kind === "json" && <small>JSON</small>}
              </span>
              <textarea
                className="code-input"
                rows={Math.min(10, text.split("\n").length)}
                spellCheck={false}
                value={text}
                onChange={(event) => onDraft(withField(draft, index, name, event.target.value))}
              />
            </label>
          ))}
        </fieldset>
      ))}
      <button type="button" className="link" onClick={() => onJson(asText(draft, title))}>
        Edit as JSON, to change the steps themselves
      </button>
    </>
  );
}

function asText(draft: readonly DraftStep[], title: string | undefined): string {
  try {
    return JSON.stringify(requestOf(draft, title), null, 2);
  } catch {
    return JSON.stringify(
      { steps: draft.map(({ action }) => ({ action, parameters: {} })) },
      null,
      2,
    );
  }
}
