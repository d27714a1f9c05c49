import { Dialog } from "@base-ui/react/dialog";
import type { LinkView } from "../../src/contract/people.ts";
import { Inert } from "../parts/inert.tsx";
import { Moment } from "../parts/time.tsx";
import { Secret } from "./secret.tsx";

export interface MadeLink extends LinkView {
  readonly whose: string;
  readonly recovers?: true;
}

/** Shows a link that lets somebody in, this once. A press beside it does not close it. */
export function LinkDialog({ link, onClose }: { link: MadeLink | undefined; onClose: () => void }) {
  return (
    <Dialog.Root
      open={link !== undefined}
      onOpenChange={(open) => !open && onClose()}
      disablePointerDismissal
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>
            A link for <Inert text={link?.whose ?? ""} />
          </Dialog.Title>
          <Dialog.Description>
            Whoever opens it first is let in: send it to that person alone. It is shown this once,
            opens once,
            {link !== undefined && (
              <>
                {" "}
                and ends <Moment at={link.expires_at} />.
              </>
            )}
            {link?.recovers && " Using it replaces their passkeys and password and signs them out."}
          </Dialog.Description>
          {link !== undefined && <Secret text={link.url} name="Link" />}
          <div className="dialog-buttons">
            <Dialog.Close className="button primary">I have it</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
