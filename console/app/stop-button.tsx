import { useMutation } from "@tanstack/react-query";
import { kept, useReady, useRefresh } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";

/** On every page. One press stops everything at once; the undo is Resume. */
export function StopButton() {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const { data } = useReady();
  const stop = useMutation({
    mutationFn: () => service.stop(),
    onSuccess: ({ cancelled = 0, note }) => announce(note ?? `Stopped. ${endedWords(cancelled)}`),
    onError: (error) => announce(<ProblemNote error={error} />),
    onSettled: () => refresh(kept.ready),
  });
  if (data?.parts.stopped.ok === false) return null;
  return (
    <button
      type="button"
      className="stop"
      title="Ends what runs, cancels what is queued, takes nothing new until resumed"
      disabled={stop.isPending}
      onClick={() => stop.mutate()}
    >
      Stop
    </button>
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
