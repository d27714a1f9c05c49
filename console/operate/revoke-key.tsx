import { useMutation } from "@tanstack/react-query";
import { keptForOperators, operate } from "../api/operate.ts";
import { useRefresh } from "../api/queries.ts";
import { freshly } from "../api/step-up.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";

/** Ends a key, after a second press. */
export function RevokeKey({ id }: { id: string }) {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const revoke = useMutation({
    mutationFn: () => freshly(() => operate.revokeKey(id)),
    onSuccess: () => announce(`Revoked ${id}.`),
    onSettled: () => refresh(keptForOperators.keys),
  });
  return (
    <ConfirmDialog
      trigger="Revoke"
      about={id}
      title={`Revoke ${id}?`}
      act="Revoke it"
      work={revoke}
    >
      The key ends at once: so does what it planned and what it approved that has not begun. It
      cannot be taken back, and its id is not given again.
    </ConfirmDialog>
  );
}
