import { AlertDialog } from "@base-ui/react/alert-dialog";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { kept } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";

/** Ends one task: what it did stays done. */
export function CancelButton({ taskId }: { taskId: string }) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const [open, setOpen] = useState(false);
  const cancel = useMutation({
    mutationFn: () => service.cancel(taskId),
    onSuccess: (task) => {
      client.setQueryData(kept.task(taskId), task);
      announce("Cancelled.");
      setOpen(false);
    },
  });
  return (
    <AlertDialog.Root open={open} onOpenChange={setOpen}>
      <AlertDialog.Trigger className="button">Cancel this task</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>Cancel this task?</AlertDialog.Title>
          <AlertDialog.Description>
            It ends now. What its steps have done already stays as it is.
          </AlertDialog.Description>
          <ProblemNote error={cancel.error} />
          <div className="dialog-buttons">
            <AlertDialog.Close className="button">Let it run</AlertDialog.Close>
            <button
              type="button"
              className="button danger"
              disabled={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              Cancel the task
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
