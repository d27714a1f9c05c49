import { Dialog } from "@base-ui/react/dialog";
import type { NewKeyView } from "../../src/contract/operate.ts";
import { Inert } from "../parts/inert.tsx";
import { Secret } from "./secret.tsx";

/** Shows a new token, this once. A press beside it does not close it. */
export function TokenDialog({
  made,
  onClose,
}: {
  made: NewKeyView | undefined;
  onClose: () => void;
}) {
  return (
    <Dialog.Root
      open={made !== undefined}
      onOpenChange={(open) => !open && onClose()}
      disablePointerDismissal
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>
            The token of <Inert text={made?.id ?? ""} />
          </Dialog.Title>
          <Dialog.Description>
            It is shown this once and kept nowhere: copy it now. A program sends it as{" "}
            <code>Authorization: Bearer …</code>
          </Dialog.Description>
          {made !== undefined && <Secret text={made.token} name="Token" />}
          <div className="dialog-buttons">
            <Dialog.Close className="button primary">I have it</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
