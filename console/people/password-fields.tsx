import { useState } from "react";

const LEAST = 12;
const MOST = 256;

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
        <span>Password, at least {LEAST} characters</span>
        <input
          type={shown ? "text" : "password"}
          required
          minLength={LEAST}
          maxLength={MOST}
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
