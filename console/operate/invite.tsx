import { Dialog } from "@base-ui/react/dialog";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { LinkView, PersonRole } from "../../src/contract/people.ts";
import { operate } from "../api/operate.ts";
import { freshly } from "../api/step-up.ts";
import { StepUpNote } from "../parts/step-up-note.tsx";

const ROLES: readonly (readonly [PersonRole, string])[] = [
  ["approver", "decides on plans"],
  ["operator", "decides, and sees policy, audit, keys, people and desktops"],
];

export function InviteDialog({
  open,
  onOpenChange,
  onInvited,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onInvited: (link: LinkView) => void;
}) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Invite a person</Dialog.Title>
          <InviteForm
            onInvited={(link) => {
              onOpenChange(false);
              onInvited(link);
            }}
          />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function InviteForm({ onInvited }: { onInvited: (link: LinkView) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<PersonRole>("approver");
  const invite = useMutation({
    mutationFn: () => freshly(() => operate.invite(role, name.trim())),
    onSuccess: onInvited,
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <form className="form" onSubmit={send}>
      <label className="field">
        <span>Name (optional: they may choose another)</span>
        <input
          maxLength={60}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <fieldset className="choices">
        <legend>Role</legend>
        {ROLES.map(([id, words]) => (
          <label className="check" key={id}>
            <input type="radio" name="role" checked={role === id} onChange={() => setRole(id)} />
            <span>
              {id} <small className="hint">{words}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <StepUpNote error={invite.error} again={() => invite.mutate()} />
      <div className="dialog-buttons">
        <Dialog.Close className="button">Back</Dialog.Close>
        <button type="submit" className="button primary" disabled={invite.isPending}>
          Make the link
        </button>
      </div>
    </form>
  );
}
