import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { SessionView } from "../../src/contract/people.ts";
import { addPasskey } from "../api/passkeys.ts";
import { changeSession, kept } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { freshly } from "../api/step-up.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { StepUpNote } from "../parts/step-up-note.tsx";
import { Moment } from "../parts/time.tsx";
import { passkeysWork } from "./passkeys-work.ts";

/** Oneself: how one signs in, and out. */
export function AccountPage({ session }: { session: SessionView }) {
  const client = useQueryClient();
  const { person } = session;
  const signOut = useMutation({
    mutationFn: service.signOut,
    onSuccess: () => changeSession(client, null),
  });
  return (
    <div className="page narrow">
      <header className="page-head">
        <h1>
          <Inert text={person.name} />
        </h1>
      </header>
      <dl className="facts">
        <dt>Role</dt>
        <dd>{person.role}</dd>
        <dt>Sign-in name</dt>
        <dd>
          <code>{person.id}</code>
        </dd>
        <dt>Password</dt>
        <dd>{session.has_password ? "set" : "none"}</dd>
        <dt>Signed in until</dt>
        <dd>
          <Moment at={session.expires_at} />
        </dd>
      </dl>
      <Passkeys possible={session.passkeys_possible && passkeysWork()} />
      <section className="part">
        <ProblemNote error={signOut.error} />
        <button
          type="button"
          className="button"
          disabled={signOut.isPending}
          onClick={() => signOut.mutate()}
        >
          Sign out
        </button>
      </section>
    </div>
  );
}

function Passkeys({ possible }: { possible: boolean }) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const { data, error } = useQuery({
    queryKey: kept.passkeys,
    queryFn: ({ signal }) => service.passkeys(signal),
  });
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: kept.passkeys }),
      client.invalidateQueries({ queryKey: kept.session }),
    ]);
  const add = useMutation({
    mutationFn: () => freshly(() => addPasskey(undefined)),
    onSuccess: () => {
      announce("Added a passkey.");
      return refresh();
    },
  });
  const remove = useMutation({
    mutationFn: (id: string) => freshly(() => service.removePasskey(id)),
    onSuccess: () => {
      announce("Removed the passkey.");
      return refresh();
    },
  });
  return (
    <section className="part" aria-label="Passkeys">
      <h2>Passkeys</h2>
      <ProblemNote error={error} />
      <StepUpNote error={add.error} again={() => add.mutate()} />
      <StepUpNote
        error={remove.error}
        again={() => remove.variables !== undefined && remove.mutate(remove.variables)}
      />
      {data?.passkeys.length === 0 && <p className="hint">None yet.</p>}
      <ul className="entries">
        {data?.passkeys.map(({ id, name, created_at, last_used_at, rp_id }) => (
          <li key={id} className="entry">
            <div>
              <strong>
                <Inert text={name} />
              </strong>
              <p className="hint">
                for <Inert text={rp_id} />, added <Moment at={created_at} />
                {last_used_at !== undefined && (
                  <>
                    , last used <Moment at={last_used_at} />
                  </>
                )}
              </p>
            </div>
            <button
              type="button"
              className="button"
              disabled={remove.isPending}
              onClick={() => remove.mutate(id)}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      {possible ? (
        <button
          type="button"
          className="button"
          disabled={add.isPending}
          onClick={() => add.mutate()}
        >
          Add a passkey
        </button>
      ) : (
        <p className="hint">
          Passkeys do not work at this address: open the gateway under localhost or an https name.
        </p>
      )}
    </section>
  );
}
