import { AlertDialog } from "@base-ui/react/alert-dialog";
import { type ReactNode, useState } from "react";
import { Inert } from "../parts/inert.tsx";
import { StepUpNote } from "../parts/step-up-note.tsx";

interface Props {
  readonly trigger: string;
  /** What the button is about, for those who do not see where it stands. */
  readonly about: string;
  readonly title: string;
  readonly act: string;
  readonly work: {
    readonly mutate: (variables: undefined, options: { onSuccess: () => void }) => void;
    readonly reset: () => void;
    readonly isPending: boolean;
    readonly error: unknown;
  };
  readonly children: ReactNode;
}

/** A button for what cannot be taken back: it asks, and the second press does it. */
export function ConfirmDialog({ trigger, about, title, act, work, children }: Props) {
  const [open, setOpen] = useState(false);
  const change = (next: boolean) => {
    setOpen(next);
    if (next) work.reset();
  };
  const doIt = () => work.mutate(undefined, { onSuccess: () => setOpen(false) });
  return (
    <AlertDialog.Root open={open} onOpenChange={change}>
      <AlertDialog.Trigger className="button ends">
        {trigger}
        <span className="visually-hidden">
          {" "}
          <Inert text={about} />
        </span>
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>
            <Inert text={title} />
          </AlertDialog.Title>
          <AlertDialog.Description>{children}</AlertDialog.Description>
          <StepUpNote error={work.error} again={doIt} />
          <div className="dialog-buttons">
            <AlertDialog.Close className="button">Back</AlertDialog.Close>
            <button
              type="button"
              className="button danger"
              disabled={work.isPending}
              onClick={doIt}
            >
              {act}
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
