import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { SessionView } from "../../src/contract/people.ts";
import { signInWithPasskey } from "../api/passkeys.ts";
import { changeSession } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { AuthGatePage } from "./door-page.tsx";
import { passkeysWork } from "./passkeys-work.ts";

/** By passkey, or where there is none by password. */
export function SignInPage() {
  const client = useQueryClient();
  const canPasskey = passkeysWork();
  const [byPassword, setByPassword] = useState(!canPasskey);
  const [id, setId] = useState("");
  const [password, setPassword] = useState("");
  const begin = (session: SessionView) => changeSession(client, session);
  const passkey = useMutation({ mutationFn: signInWithPasskey, onSuccess: begin });
  const known = useMutation({
    mutationFn: () => service.signInWithPassword(id.trim(), password),
    onSuccess: begin,
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    known.mutate();
  };
  return (
    <AuthGatePage title="Sign in">
      {byPassword ? (
        <form className="form" onSubmit={send}>
          <label className="field">
            <span>Sign-in name</span>
            <input
              required
              maxLength={64}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              value={id}
              onChange={(event) => setId(event.target.value)}
            />
          </label>
          <label className="field">
            <span>Password</span>
            <input
              type="password"
              required
              maxLength={256}
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          </label>
          <ProblemNote error={known.error} />
          <button type="submit" className="button primary large" disabled={known.isPending}>
            Sign in
          </button>
        </form>
      ) : (
        <div className="form">
          <p>Here people see what models and programs ask to do, and decide.</p>
          <ProblemNote error={passkey.error} />
          <button
            type="button"
            className="button primary large"
            disabled={passkey.isPending}
            onClick={() => passkey.mutate()}
          >
            Sign in with a passkey
          </button>
        </div>
      )}
      {canPasskey && (
        <button type="button" className="link" onClick={() => setByPassword(!byPassword)}>
          {byPassword ? "Use a passkey instead" : "Use a password instead"}
        </button>
      )}
      <details className="door-help">
        <summary>No way in?</summary>
        <p>
          An operator can send you a link. Whoever runs the gateway makes one on its host with{" "}
          <code>./gateway people link</code>.
        </p>
        <p>
          On the command line, <code>./gateway approve TASK</code> decides with the approver's key.
        </p>
      </details>
    </AuthGatePage>
  );
}
