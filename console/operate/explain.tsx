import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { ExplainRequest } from "../../src/contract/operate.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { service } from "../api/service.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Explanation } from "./explanation.tsx";
import {
  fieldsOf,
  type ParameterField,
  parametersFromJson,
  parametersOf,
} from "./parameter-form.ts";
import { ParameterInput } from "./parameter-input.tsx";

const FIRST = "fs.write";

/** Asks what policy would say to an action. Nothing is planned by it. */
export function Explain({ actions }: { actions: readonly string[] }) {
  const [action, setAction] = useState(actions.includes(FIRST) ? FIRST : (actions[0] ?? ""));
  const [key, setKey] = useState("");
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  /** All parameters as text, where they are written as such. */
  const [json, setJson] = useState<string>();
  const capabilities = useQuery({
    queryKey: ["capabilities"],
    queryFn: ({ signal }) => service.capabilities(signal),
  });
  const keys = useQuery({
    queryKey: keptForOperators.keys,
    queryFn: ({ signal }) => operate.keys(signal),
  });
  const ask = useMutation({
    // Async, so that what cannot be read becomes a refusal like any other.
    mutationFn: async () => operate.explain(requestOf()),
  });
  const schema = capabilities.data?.capabilities[action]?.parameters;
  const fields = fieldsOf(schema);
  const asJson = json !== undefined || fields === undefined;

  const requestOf = (): ExplainRequest => ({
    action,
    parameters: asJson ? parametersFromJson(json ?? "") : parametersOf(fields, typed),
    ...(key !== "" && { key_id: key }),
  });
  const toJson = () => {
    try {
      setJson(JSON.stringify(parametersOf(fields ?? [], typed), null, 2));
    } catch {
      setJson("{}");
    }
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };

  return (
    <section className="part" aria-labelledby="explain">
      <h2 id="explain">What would happen if</h2>
      <p className="hint">
        Asks the policy in force about an action. Nothing is planned, and nothing is looked at on
        the desktop.
      </p>
      <form className="form" onSubmit={send}>
        <div className="field-row">
          <label className="field">
            <span>Action</span>
            <select
              value={action}
              onChange={(event) => {
                setAction(event.target.value);
                setJson(undefined);
                ask.reset();
              }}
            >
              {actions.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>Asked by the key</span>
            <select value={key} onChange={(event) => setKey(event.target.value)}>
              <option value="">default</option>
              {keys.data?.keys
                .filter(({ id, scopes }) => id !== "default" && scopes.includes("plan"))
                .map(({ id }) => (
                  <option key={id}>{id}</option>
                ))}
            </select>
          </label>
        </div>
        {asJson ? (
          <label className="field">
            <span>Parameters, JSON</span>
            <textarea
              className="code-input"
              rows={6}
              spellCheck={false}
              value={json ?? "{}"}
              onChange={(event) => setJson(event.target.value)}
            />
          </label>
        ) : (
          <Fields
            fields={fields}
            typed={typed}
            onType={(name, text) => setTyped((before) => ({ ...before, [name]: text }))}
          />
        )}
        {fields !== undefined && (
          <button
            type="button"
            className="link"
            onClick={() => (asJson ? setJson(undefined) : toJson())}
          >
            {asJson ? "Back to the fields" : "Write the parameters as JSON"}
          </button>
        )}
        <button type="submit" className="button primary" disabled={ask.isPending}>
          Ask
        </button>
      </form>
      <ProblemNote error={ask.error} />
      <div aria-live="polite">{ask.data !== undefined && <Explanation view={ask.data} />}</div>
    </section>
  );
}

function Fields({
  fields,
  typed,
  onType,
}: {
  fields: readonly ParameterField[];
  typed: Readonly<Record<string, string>>;
  onType: (name: string, text: string) => void;
}) {
  if (fields.length === 0) return <p className="hint">This action takes no parameters.</p>;
  return fields.map((field) => (
    <ParameterInput
      key={field.name}
      field={field}
      value={typed[field.name] ?? ""}
      onType={(text) => onType(field.name, text)}
    />
  ));
}
