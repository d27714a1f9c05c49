import { Dialog } from "@base-ui/react/dialog";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { CreateKeyRequest, NewKeyView } from "../../src/contract/operate.ts";
import type { Scope } from "../../src/contract/principal.ts";
import { operate } from "../api/operate.ts";
import { freshly } from "../api/step-up.ts";
import { StepUpNote } from "../parts/step-up-note.tsx";

interface Props {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly onMade: (made: NewKeyView) => void;
}

/** What a key is for. None of them asks and decides at once. */
const PURPOSES: readonly { readonly name: string; readonly scopes: readonly Scope[] }[] = [
  { name: "asks and executes: for a model or a program", scopes: ["plan", "execute", "read"] },
  { name: "asks only", scopes: ["plan", "read"] },
  { name: "looks only", scopes: ["read"] },
  { name: "decides: for an approver's own tool", scopes: ["confirm", "read"] },
];

const ENDS = [
  ["", "when it is revoked"],
  ["7", "in a week"],
  ["30", "in 30 days"],
  ["90", "in 90 days"],
  ["365", "in a year"],
] as const;

export function CreateKeyDialog({ open, onOpenChange, onMade }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>New key</Dialog.Title>
          <CreateKeyForm
            onMade={(made) => {
              onOpenChange(false);
              onMade(made);
            }}
          />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function CreateKeyForm({ onMade }: { onMade: (made: NewKeyView) => void }) {
  const [id, setId] = useState("");
  const [purpose, setPurpose] = useState(0);
  const [actions, setActions] = useState("");
  const [desktops, setDesktops] = useState("");
  const [surface, setSurface] = useState(false);
  const [days, setDays] = useState("");
  const scopes = PURPOSES[purpose]?.scopes ?? [];
  const asks = scopes.includes("plan");

  const create = useMutation({
    mutationFn: () => {
      const request: CreateKeyRequest = {
        id: id.trim(),
        scopes: [...scopes],
        ...listed("capabilities", asks ? actions : ""),
        ...listed("desktops", desktops),
        ...(asks && surface && { trusted_approval_surface: true }),
        ...(days !== "" && { expires_in_days: Number(days) }),
      };
      return freshly(() => operate.createKey(request));
    },
    onSuccess: onMade,
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };

  return (
    <form className="form" onSubmit={send}>
      <label className="field">
        <span>Id: it owns the key's tasks, and stays taken for good</span>
        <input
          required
          pattern="[a-z0-9][a-z0-9._\-]{0,63}"
          title="a to z, 0 to 9, dot, underscore, dash; at most 64"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={id}
          onChange={(event) => setId(event.target.value)}
        />
      </label>
      <fieldset className="choices">
        <legend>What it does</legend>
        {PURPOSES.map(({ name, scopes: each }, index) => (
          <label className="check" key={name}>
            <input
              type="radio"
              name="purpose"
              checked={purpose === index}
              onChange={() => setPurpose(index)}
            />
            <span>
              {name} <small className="hint">{each.join(", ")}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <label className="field">
        <span>Ends</span>
        <select value={days} onChange={(event) => setDays(event.target.value)}>
          {ENDS.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <details>
        <summary>Bounds</summary>
        {asks && (
          <label className="field">
            <span>Only these actions, with commas; none: every action</span>
            <input
              spellCheck={false}
              autoCapitalize="none"
              placeholder="fs.read, fs.list"
              value={actions}
              onChange={(event) => setActions(event.target.value)}
            />
          </label>
        )}
        <label className="field">
          <span>Only these desktops, with commas; none: every desktop</span>
          <input
            spellCheck={false}
            autoCapitalize="none"
            value={desktops}
            onChange={(event) => setDesktops(event.target.value)}
          />
        </label>
        {asks && (
          <label className="check">
            <input
              type="checkbox"
              checked={surface}
              onChange={(event) => setSurface(event.target.checked)}
            />
            <span>A person, not a program, decides on its approval cards</span>
          </label>
        )}
      </details>
      <StepUpNote error={create.error} again={() => create.mutate()} />
      <div className="dialog-buttons">
        <Dialog.Close className="button">Back</Dialog.Close>
        <button type="submit" className="button primary" disabled={create.isPending}>
          Make it
        </button>
      </div>
    </form>
  );
}

function listed(name: "capabilities" | "desktops", text: string) {
  const values = text.split(/[\s,]+/).filter((value) => value !== "");
  return values.length === 0 ? {} : { [name]: values };
}
