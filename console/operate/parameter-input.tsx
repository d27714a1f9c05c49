import { useId } from "react";
import type { ParameterField } from "./parameter-form.ts";

interface Props {
  readonly field: ParameterField;
  readonly value: string;
  readonly onType: (text: string) => void;
}

/** Asks for one parameter, in the words of its capability. */
export function ParameterInput({ field, value, onType }: Props) {
  const { name, kind, choices, required, description } = field;
  const id = useId();
  const common = {
    id,
    value,
    "aria-describedby": `${id}-about`,
    onChange: (event: { target: { value: string } }) => onType(event.target.value),
  };
  return (
    <div className="field">
      <label htmlFor={id}>
        <code>{name}</code>
        {!required && <small className="hint"> optional</small>}
        {kind === "json" && <small className="hint"> JSON</small>}
      </label>
      {kind === "choice" ? (
        <select {...common} required={required}>
          <option value="">{required ? "Choose" : "not given"}</option>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <textarea
          {...common}
          className="code-input"
          rows={1}
          required={required && kind === "json"}
          spellCheck={false}
        />
      )}
      <small className="hint" id={`${id}-about`}>
        {description}
      </small>
    </div>
  );
}
