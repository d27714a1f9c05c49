import type { NewKeyView } from "../../src/contract/operate.ts";
import { Inert } from "../parts/inert.tsx";
import { ShownOnceDialog } from "./shown-once-dialog.tsx";

interface Props {
  readonly made: NewKeyView | undefined;
  readonly onClose: () => void;
}

/** A new token. */
export function TokenDialog({ made, onClose }: Props) {
  return (
    <ShownOnceDialog
      title={
        <>
          The token of <Inert text={made?.id ?? ""} />
        </>
      }
      secret={made && { name: "Token", text: made.token }}
      onClose={onClose}
    >
      It is shown this once and kept nowhere: copy it now. A program sends it as{" "}
      <code>Authorization: Bearer …</code>
    </ShownOnceDialog>
  );
}
