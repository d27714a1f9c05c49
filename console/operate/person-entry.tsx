import { useMutation } from "@tanstack/react-query";
import type { LinkView, PeopleList } from "../../src/contract/people.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { useRefresh } from "../api/queries.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment } from "../parts/time.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";

interface Props {
  readonly person: PeopleList["people"][number];
  readonly isMe: boolean;
  readonly onLink: (link: LinkView) => void;
}

/** Somebody who may sign in, how they do, and what an operator can do about it. */
export function PersonEntry({ person, isMe, onLink }: Props) {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const recover = useMutation({
    mutationFn: () => operate.recover(person.id),
    onSuccess: onLink,
  });
  const remove = useMutation({
    mutationFn: () => operate.removePerson(person.id),
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
        <ProblemNote error={recover.error} />
      </div>
      <div className="buttons">
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
