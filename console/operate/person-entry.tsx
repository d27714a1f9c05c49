import { useMutation } from "@tanstack/react-query";
import type { LinkView, PeopleList } from "../../src/contract/people.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { useRefresh } from "../api/queries.ts";
import { freshly } from "../api/step-up.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { StepUpNote } from "../parts/step-up-note.tsx";
import { Moment } from "../parts/time.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";

interface Props {
  readonly person: PeopleList["people"][number];
  readonly isMe: boolean;
  /** I cannot be this person, nor whoever let them in: I may say that they are one of their own. */
  readonly mayVouch: boolean;
  readonly onLink: (link: LinkView) => void;
}

/** Somebody who may sign in, how they do, and what an operator can do about it. */
export function PersonEntry({ person, isMe, mayVouch, onLink }: Props) {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const recover = useMutation({
    mutationFn: () => freshly(() => operate.recover(person.id)),
    onSuccess: onLink,
  });
  const vouch = useMutation({
    mutationFn: () => freshly(() => operate.vouch(person.id)),
    onSuccess: () => announce("They count as a person of their own."),
    onSettled: () => refresh(keptForOperators.people),
  });
  const remove = useMutation({
    mutationFn: () => freshly(() => operate.removePerson(person.id)),
    onSuccess: () => announce("They are signed out and gone."),
    onSettled: () => refresh(keptForOperators.people),
  });
  const { passkeys } = person;
  return (
    <>
      <div>
        <h2 className="key-name">
          <Inert text={person.name} />
          <span className="chip">{person.role}</span>
          {isMe && <span className="chip">you</span>}
        </h2>
        <p className="hint">
          <code>{person.id}</code> · signs in with{" "}
          {passkeys === 0 ? "" : passkeys === 1 ? "a passkey" : `${passkeys} passkeys`}
          {passkeys > 0 && person.has_password && " or "}
          {person.has_password && "a password"}
          {passkeys === 0 && !person.has_password && "nothing yet"} ·{" "}
          {person.last_seen_at === undefined ? (
            "not seen yet"
          ) : (
            <>
              seen <Moment at={person.last_seen_at} />
            </>
          )}
        </p>
        {person.counts_as_one_with.length > 0 && <CountsWith person={person} mayVouch={mayVouch} />}
        <StepUpNote error={recover.error} again={() => recover.mutate()} />
      </div>
      <div className="buttons">
        {mayVouch && (
          <ConfirmDialog
            trigger="Vouch"
            about={`for ${person.name}`}
            title={`Is ${person.name} a person of their own?`}
            act="Yes, I vouch for them"
            work={vouch}
          >
            You know them, and know that they are not who let them in. From now on they count by
            themselves where a plan takes two approvals. The record names you.
          </ConfirmDialog>
        )}
        <button
          type="button"
          className="button"
          disabled={recover.isPending}
          onClick={() => recover.mutate()}
        >
          New link
          <span className="visually-hidden">
            {" for "}
            <Inert text={person.name} />
          </span>
        </button>
        <ConfirmDialog
          trigger="Remove"
          about={person.name}
          title={`Remove ${person.name}?`}
          act="Remove"
          work={remove}
        >
          {isMe && <strong>This is you: you are signed out at once. </strong>}
          Their sessions and what they allowed for a while end, and so do approvals of theirs that
          have not begun.
        </ConfirmDialog>
      </div>
    </>
  );
}

/** Whoever saw somebody's link may have opened it. */
function CountsWith({ person, mayVouch }: Pick<Props, "person" | "mayVouch">) {
  return (
    <p className="hint">
      Where a plan needs two approvals, this person and{" "}
      {person.counts_as_one_with.map((keyId, index) => (
        <span key={keyId}>
          {index > 0 && ", "}
          {keyId === "host" ? "whoever runs the host" : <Who keyId={keyId} />}
        </span>
      ))}
      {" count as one: whoever saw the link for this person could have opened it."}
      {mayVouch
        ? " Vouch for this person to change that."
        : " Another operator, or whoever runs the host, can vouch for this person."}
    </p>
  );
}
