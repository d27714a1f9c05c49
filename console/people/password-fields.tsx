import { useState } from "react";

const MIN_CHARACTERS = 12;
const MAX_CHARACTERS = 256;

/** A password to be, which can be looked at. */
export function NewPassword({
  value,
  onChange,
}: {
  value: string;
  onChange: (value: string) => void;
}) {
  const [shown, setShown] = useState(false);
  return (
    <>
      <label className="field">
        <span>Password, at least {MIN_CHARACTERS} characters</span>
        <input
          type={shown ? "text" : "password"}
          required
          minLength={MIN_CHARACTERS}
          maxLength={MAX_CHARACTERS}
          autoComplete="new-password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={shown}
          onChange={(event) => setShown(event.target.checked)}
        />
        <span>Show it</span>
      </label>
    </>
  );
}
