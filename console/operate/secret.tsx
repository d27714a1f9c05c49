import { CopyButton } from "./copy-button.tsx";

/** What is shown once, to be copied. */
export function Secret({ text, name }: { text: string; name: string }) {
  return (
    <div className="secret">
      <label className="field">
        <span>{name}</span>
        <input
          readOnly
          className="code-input"
          value={text}
          spellCheck={false}
          autoComplete="off"
          onFocus={(event) => event.target.select()}
        />
      </label>
      <CopyButton text={text} />
    </div>
  );
}
