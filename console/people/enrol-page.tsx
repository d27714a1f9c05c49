import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { EnrolmentView, SessionView } from "../../src/contract/people.ts";
import { makePasskey } from "../api/passkeys.ts";
import { changeSession } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { AuthGatePage } from "./door-page.tsx";
import { passkeysWork } from "./passkeys-work.ts";
import { NewPassword } from "./password-fields.tsx";

/** Opened by a one-time link: who is let in adds a passkey or a password. */
export function EnrolPage({ token, onDone }: { token: string; onDone: () => void }) {
  const link = useQuery({
    queryKey: ["link", token],
    queryFn: () => service.openLink(token),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
  const [done, setDone] = useState<SessionView>();
  if (done !== undefined) return <SignInName session={done} onDone={onDone} />;
  return (
    <AuthGatePage title={link.data === undefined ? "Opening your link" : TITLES[link.data.purpose]}>
      {link.isPending && <p className="loading">Asking the gateway…</p>}
      {link.error !== null && (
        <>
          <ProblemNote error={link.error} />
          <button type="button" className="button" onClick={onDone}>
            To the sign-in page
          </button>
        </>
      )}
      {link.data !== undefined && (
        <EnrolForm enrolment={link.data} onDone={onDone} onName={setDone} />
      )}
    </AuthGatePage>
  );
}

const TITLES = {
  first_operator: "Welcome",
  invite: "You are invited",
  recovery: "Back in",
} as const;

const ROLES = {
  operator: "an operator: you decide on plans, and see policy, audit, keys and desktops",
  approver: "an approver: you decide on what models and programs may do on the desktop",
} as const;

function EnrolForm({
  enrolment,
  onDone,
  onName,
}: {
  enrolment: EnrolmentView;
  onDone: () => void;
  onName: (session: SessionView) => void;
}) {
  const client = useQueryClient();
  const [name, setName] = useState(enrolment.person?.name ?? enrolment.name ?? "");
  const canPasskey = enrolment.passkeys_possible && passkeysWork();
  const [withPassword, setWithPassword] = useState(!canPasskey);
  const [password, setPassword] = useState("");
  const known = enrolment.person !== undefined;

  const enrol = useMutation({
    mutationFn: async () => {
      const base = { enrolment: enrolment.enrolment, ...(!known && { name: name.trim() }) };
      if (withPassword) return service.enrol({ ...base, password });
      const options = await service.enrolOptions(base.enrolment, known ? undefined : name.trim());
      return service.enrol({ ...base, passkey: await makePasskey(options) });
    },
    onSuccess: (session) => {
      if (withPassword) onName(session);
      else onDone();
      changeSession(client, session);
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    enrol.mutate();
  };

  return (
    <form className="form" onSubmit={send}>
      <p>
        {enrolment.person !== undefined && (
          <>
            Hello, <Inert text={enrolment.person.name} />.{" "}
          </>
        )}
        You will be {ROLES[enrolment.role]}.
      </p>
      {!known && (
        <label className="field">
          <span>Your name, as others see it</span>
          <input
            required
            maxLength={60}
            autoComplete="name"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
      )}
      {withPassword && <NewPassword value={password} onChange={setPassword} />}
      {!canPasskey && (
        <p className="hint">
          Passkeys do not work at this address: open the gateway under localhost or an https name to
          use one.
        </p>
      )}
      <ProblemNote error={enrol.error} />
      <button type="submit" className="button primary large" disabled={enrol.isPending}>
        {withPassword ? "Set the password" : "Create a passkey"}
      </button>
      {canPasskey && (
        <button type="button" className="link" onClick={() => setWithPassword(!withPassword)}>
          {withPassword ? "Use a passkey instead" : "Use a password instead"}
        </button>
      )}
    </form>
  );
}

/** Who signs in with a password must know their id. */
function SignInName({ session, onDone }: { session: SessionView; onDone: () => void }) {
  return (
    <AuthGatePage title="Remember your sign-in name">
      <p>With your password you sign in as</p>
      <p className="sign-in-name">{session.person.id}</p>
      <button type="button" className="button primary large" onClick={onDone}>
        Go on
      </button>
    </AuthGatePage>
  );
}
