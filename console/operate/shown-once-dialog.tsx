import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { Secret } from "./secret.tsx";

interface Props {
  readonly title: ReactNode;
  readonly children: ReactNode;
  /** What is shown, and what it is called; undefined while nothing is. */
  readonly secret: { readonly name: string; readonly text: string } | undefined;
  readonly onClose: () => void;
}

/** Shows a secret, this once. A press beside it does not close it. */
export function ShownOnceDialog({ title, children, secret, onClose }: Props) {
  return (
    <Dialog.Root
      open={secret !== undefined}
      onOpenChange={(open) => !open && onClose()}
      disablePointerDismissal
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>{title}</Dialog.Title>
          <Dialog.Description>{children}</Dialog.Description>
          {secret !== undefined && <Secret {...secret} />}
          <div className="dialog-buttons">
            <Dialog.Close className="button primary">I have it</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
