import type { LinkView } from "../../src/contract/people.ts";
import { Inert } from "../parts/inert.tsx";
import { Moment } from "../parts/time.tsx";
import { ShownOnceDialog } from "./shown-once-dialog.tsx";

export interface MadeLink extends LinkView {
  readonly whose: string;
  readonly recovers?: true;
}

/** A link that lets somebody in. */
export function LinkDialog({ link, onClose }: { link: MadeLink | undefined; onClose: () => void }) {
  return (
    <ShownOnceDialog
      title={
        <>
          A link for <Inert text={link?.whose ?? ""} />
        </>
      }
      secret={link && { name: "Link", text: link.url }}
      onClose={onClose}
    >
      Whoever opens it first is let in: send it to that person alone. It is shown this once, opens
      once,
      {link !== undefined && (
        <>
          {" "}
          and ends <Moment at={link.expires_at} />.
        </>
      )}{" "}
      Until somebody else vouches for them, the two of you count as one person where a plan takes
      two approvals, because you have seen this link.
      {link?.recovers && " Using it replaces their passkeys and password and signs them out."}
    </ShownOnceDialog>
  );
}
