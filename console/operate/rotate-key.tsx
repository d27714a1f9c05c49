import { Dialog } from "@base-ui/react/dialog";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { NewKeyView } from "../../src/contract/operate.ts";
import { operate } from "../api/operate.ts";
import { freshly } from "../api/step-up.ts";
import { Inert } from "../parts/inert.tsx";
import { StepUpNote } from "../parts/step-up-note.tsx";

const OVERLAPS = [
  [0, "not at all: it ends at once, and all that was begun under it"],
  [10, "10 minutes"],
  [60, "an hour"],
  [1440, "a day"],
  [10_080, "a week"],
] as const;
const USUAL = 60;

/** Gives a key a new token; the old one counts on for as long as programs need to be changed. */
export function RotateKey({
  id,
  onRotated,
}: {
  id: string;
  onRotated: (made: NewKeyView) => void;
}) {
  const [open, setOpen] = useState(false);
  const [overlap, setOverlap] = useState<number>(USUAL);
  const rotate = useMutation({
    mutationFn: () => freshly(() => operate.rotateKey(id, overlap)),
    onSuccess: (made) => {
      setOpen(false);
      onRotated(made);
    },
  });
  const change = (next: boolean) => {
    setOpen(next);
    if (next) rotate.reset();
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    rotate.mutate();
  };
  return (
    <Dialog.Root open={open} onOpenChange={change}>
      <Dialog.Trigger className="button">
        Rotate
        <span className="visually-hidden">
          {" "}
          <Inert text={id} />
        </span>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>
            A new token for <Inert text={id} />
          </Dialog.Title>
          <form className="form" onSubmit={send}>
            <label className="field">
              <span>The old one still counts for</span>
              <select value={overlap} onChange={(event) => setOverlap(Number(event.target.value))}>
                {OVERLAPS.map(([minutes, words]) => (
                  <option key={minutes} value={minutes}>
                    {words}
                  </option>
                ))}
              </select>
            </label>
            <StepUpNote error={rotate.error} again={() => rotate.mutate()} />
            <div className="dialog-buttons">
              <Dialog.Close className="button">Back</Dialog.Close>
              <button type="submit" className="button primary" disabled={rotate.isPending}>
                Make the new token
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
