import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { service } from "../api/service.ts";
import { asksForStepUp } from "../api/step-up.ts";
import { ProblemNote } from "./problem-note.tsx";

/** What went wrong; where a fresh sign-in is asked for, the password in place, and on with the work. */
export function StepUpNote({ error, again }: { error: unknown; again: () => void }) {
  return asksForStepUp(error) ? <AskPassword again={again} /> : <ProblemNote error={error} />;
}

function AskPassword({ again }: { again: () => void }) {
  const [password, setPassword] = useState("");
  const prove = useMutation({
    mutationFn: () => service.stepUp({ password }),
    onSuccess: again,
  });
  const send = () => {
    if (password !== "" && !prove.isPending) prove.mutate();
  };
  return (
    <div className="caution" role="alert">
      <p>
        You signed in more than five minutes ago. This lets somebody in, so show that it is you.
      </p>
      <label className="field">
        <span>Your password</span>
        <input
          type="password"
          maxLength={256}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            // It may stand within the form of what waits for it.
            event.preventDefault();
            send();
          }}
        />
      </label>
      <ProblemNote error={prove.error} />
      <button type="button" className="button" disabled={prove.isPending} onClick={send}>
        Confirm that it is you
      </button>
    </div>
  );
}
