import { useEffect, useState } from "react";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useHotkeys } from "../parts/use-hotkeys.ts";
import { useWide } from "../parts/use-wide.ts";
import { TaskDetail } from "../task/task-detail.tsx";
import { InboxList } from "./inbox-list.tsx";
import { useInbox } from "./inbox-provider.tsx";
import { NotificationSwitch } from "./notification-switch.tsx";
import type { Waiting } from "./waiting.ts";

/** What waits for a decision; on a wide page with the plan beside it. */
export function InboxPage({ me }: { me: string }) {
  const { waiting, loaded, error, reload } = useInbox();
  const wide = useWide();
  const [chosen, setChosen] = useState<string>();
  const selected = wide ? (chosen ?? waiting[0]?.id) : undefined;

  const move = (by: number) => {
    const index = waiting.findIndex(({ id }) => id === selected);
    const next = waiting[Math.min(Math.max(index + by, 0), waiting.length - 1)];
    if (next !== undefined) setChosen(next.id);
  };
  useHotkeys({ j: () => move(1), k: () => move(-1) }, wide);
  // What is shown stays until the person moves on, also when others arrive above it.
  useEffect(() => {
    if (wide && chosen === undefined && waiting[0] !== undefined) setChosen(waiting[0].id);
  }, [wide, chosen, waiting]);
  // The row that the keyboard chose is brought into view.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when another is chosen
  useEffect(() => {
    document.querySelector('.row[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  const isShown = selected !== undefined;
  return (
    <div className={isShown ? "inbox split" : "inbox"}>
      <section className="inbox-side" aria-label="Inbox">
        <header className="page-head">
          <h1>Inbox</h1>
          <NotificationSwitch />
        </header>
        {error !== undefined && (
          <>
            <ProblemNote error={error} />
            <button type="button" className="button" onClick={reload}>
              Try again
            </button>
          </>
        )}
        {!loaded && error === undefined && <p className="loading">Asking the gateway…</p>}
        {loaded && waiting.length === 0 && <Nothing />}
        <InboxList waiting={waiting} selected={selected} onSelect={wide ? setChosen : undefined} />
      </section>
      {isShown && (
        <section className="inbox-detail" aria-label="The plan that is open">
          <Moved waiting={waiting} selected={selected} onNext={setChosen} />
          <TaskDetail key={selected} id={selected} me={me} />
        </section>
      )}
    </div>
  );
}

/** The way on once the plan on show waits no more. */
function Moved({
  waiting,
  selected,
  onNext,
}: {
  waiting: readonly Waiting[];
  selected: string;
  onNext: (id: string | undefined) => void;
}) {
  const next = waiting[0];
  if (waiting.some(({ id }) => id === selected)) return null;
  return (
    <p className="moved">
      This plan waits no more.{" "}
      <button type="button" className="button" onClick={() => onNext(next?.id)}>
        {next === undefined ? "Close it" : "Next plan"} <kbd>j</kbd>
      </button>
    </p>
  );
}

function Nothing() {
  return (
    <div className="nothing">
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <circle cx="24" cy="24" r="21" />
        <path d="M15 24.5l6.5 6.5L33.5 18" />
      </svg>
      <h2>Nothing waits for you</h2>
      <p>
        When a model or a program wants to act on the desktop and policy asks for a person, its plan
        appears here by itself: what exactly it will do, who asks, and why it is risky.
      </p>
      <p>You read all of it, then approve or reject. Nothing runs before that.</p>
      <p className="try">
        To see one, plan something as a requester does:
        <code>./gateway run fs.write path=/tmp/hello.txt content=Hello</code>
      </p>
    </div>
  );
}
