import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { LinkView, PeopleList } from "../../src/contract/people.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { useRefresh, useSession } from "../api/queries.ts";
import { freshly } from "../api/step-up.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { StepUpNote } from "../parts/step-up-note.tsx";
import { Moment, TimeLeft } from "../parts/time.tsx";
import { InviteDialog } from "./invite.tsx";
import { LinkDialog, type MadeLink } from "./link-dialog.tsx";
import { PersonEntry } from "./person-entry.tsx";

const LOOK_AGAIN_MS = 5000;

/** Who may sign in here: invited by an operator, and let go by one. */
export function PeoplePart() {
  const refresh = useRefresh();
  const session = useSession();
  const { data, error, isPending } = useQuery({
    queryKey: keptForOperators.people,
    queryFn: ({ signal }) => operate.people(signal),
    // No event tells that an invited person has come.
    refetchInterval: LOOK_AGAIN_MS,
  });
  const [invites, setInvites] = useState(false);
  /** Held by this page alone, and only while it is shown. */
  const [made, setMade] = useState<MadeLink>();
  const onInvited = (link: LinkView) => {
    setMade({ ...link, whose: "the person you invite" });
    refresh(keptForOperators.people);
  };
  return (
    <>
      <div className="list-head">
        <p className="hint">
          Approvers decide on plans. Operators decide too, see these pages and the desktops, and
          invite others.
        </p>
        <button type="button" className="button primary" onClick={() => setInvites(true)}>
          Invite
        </button>
      </div>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      <ul className="entries">
        {data?.people.map((person) => (
          <li key={person.id} className="entry">
            <PersonEntry
              person={person}
              mayVouch={mayVouch(data.people, session.data?.person.id, person)}
              isMe={person.id === session.data?.person.id}
              onLink={(link) => setMade({ ...link, whose: person.name, recovers: true })}
            />
          </li>
        ))}
      </ul>
      {data !== undefined && data.invitations.length > 0 && (
        <section className="part" aria-labelledby="invited">
          <h2 id="invited">Invited, not here yet</h2>
          <ul className="entries">
            {data.invitations.map((invitation) => (
              <li key={invitation.id} className="entry">
                <Invitation invitation={invitation} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <InviteDialog open={invites} onOpenChange={setInvites} onInvited={onInvited} />
      <LinkDialog link={made} onClose={() => setMade(undefined)} />
    </>
  );
}

type Person = PeopleList["people"][number];

function mayVouch(people: readonly Person[], mine: string | undefined, person: Person): boolean {
  const me = people.find(({ id }) => id === mine);
  if (me === undefined || person.counts_as_one_with.length === 0) return false;
  const hands = ({ id, counts_as_one_with: others }: Person) => [`person:${id}`, ...others];
  const theirs = hands(person);
  return !hands(me).some((hand) => theirs.includes(hand));
}

function Invitation({ invitation }: { invitation: PeopleList["invitations"][number] }) {
  const { id, role, name, expires_at: until } = invitation;
  const refresh = useRefresh();
  const announce = useAnnounce();
  const withdraw = useMutation({
    mutationFn: () => freshly(() => operate.withdraw(id)),
    onSuccess: () => announce("Withdrawn: the link opens nothing any more."),
    onSettled: () => refresh(keptForOperators.people),
  });
  return (
    <>
      <div>
        <strong>{name === undefined ? "No name given" : <Inert text={name} />}</strong>
        <p className="hint">
          as {role}, <TimeLeft until={Date.parse(until)} />, until <Moment at={until} />
        </p>
        <StepUpNote error={withdraw.error} again={() => withdraw.mutate()} />
      </div>
      <button
        type="button"
        className="button"
        disabled={withdraw.isPending}
        onClick={() => withdraw.mutate()}
      >
        Withdraw
        <span className="visually-hidden">
          {" the invitation of "}
          <Inert text={name ?? `an ${role}`} />
        </span>
      </button>
    </>
  );
}
