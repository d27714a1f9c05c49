import { AlertDialog } from "@base-ui/react/alert-dialog";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { kept, useReady, useRefresh } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";

/** On every page. A second press, in the dialog, stops everything at once. */
export function StopButton() {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const { data } = useReady();
  const [open, setOpen] = useState(false);
  const sure = useRef<HTMLButtonElement>(null);
  const stop = useMutation({
    mutationFn: () => service.stop(),
    onSuccess: ({ cancelled = 0 }) => {
      setOpen(false);
      announce(`Stopped. ${endedWords(cancelled)}`);
    },
    onSettled: () => refresh(kept.ready),
  });
  if (data?.parts.stopped.ok === false) return null;
  return (
    <AlertDialog.Root open={open} onOpenChange={setOpen}>
      <AlertDialog.Trigger className="stop">Stop</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog" initialFocus={sure}>
          <AlertDialog.Title>Stop everything?</AlertDialog.Title>
          <AlertDialog.Description>
            What runs ends now, what is queued is cancelled, and nothing new starts until somebody
            resumes.
          </AlertDialog.Description>
          <ProblemNote error={stop.error} />
          <div className="dialog-buttons">
            <AlertDialog.Close className="button">Back</AlertDialog.Close>
            <button
              ref={sure}
              type="button"
              className="button danger large"
              disabled={stop.isPending}
              onClick={() => stop.mutate()}
            >
              Stop everything
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

function endedWords(count: number): string {
  if (count === 0) return "Nothing was running.";
  return count === 1 ? "One task was ended." : `${count} tasks were ended.`;
}

/** While everything is stopped: says so on every page, and how it goes on. */
export function StoppedBanner() {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const { data } = useReady();
  const resume = useMutation({
    mutationFn: () => service.resume(),
    onSuccess: () => announce("Work is accepted again."),
    onSettled: () => refresh(kept.ready),
  });
  if (data?.parts.stopped.ok !== false) return null;
  return (
    <div className="stopped" role="alert">
      <p>
        <strong>Everything is stopped.</strong> Nothing runs and nothing new is taken.
      </p>
      <ProblemNote error={resume.error} />
      <button
        type="button"
        className="button"
        disabled={resume.isPending}
        onClick={() => resume.mutate()}
      >
        Resume
      </button>
    </div>
  );
}
