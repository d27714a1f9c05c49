import { useMutation } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { Link } from "wouter";
import type { DesktopView } from "../../src/contract/desktop.ts";
import { DESKTOPS, desktopService } from "../api/desktops.ts";
import { problemOf } from "../api/problem.ts";
import { useRefresh } from "../api/queries.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { TimeLeft } from "../parts/time.tsx";

const CHOICES = [5, 15, 30, 60] as const;
const TASK = /task_[A-Za-z0-9_-]{22}/;

/** Taking a desktop over, keeping it for longer, giving it back. */
export function TakeoverBar({ desktop, me }: { desktop: DesktopView; me: string | undefined }) {
  const { name, lease, available } = desktop;
  const refresh = useRefresh();
  const announce = useAnnounce();
  const [minutes, setMinutes] = useState(15);
  /** Given back by a press, not taken away. */
  const [isGiven, setGiven] = useState(false);
  const take = useMutation({
    mutationFn: () => desktopService.takeOver(name, minutes),
    onSuccess: () => {
      announce(`The desktop is yours for ${minutes} minutes.`);
      setGiven(false);
    },
    onSettled: () => refresh(DESKTOPS),
  });
  const give = useMutation({
    mutationFn: () => desktopService.giveBack(name),
    onMutate: () => setGiven(true),
    onSuccess: () => announce("Given back. Tasks that waited go on."),
    onSettled: () => refresh(DESKTOPS),
  });
  useLossOf(lease?.mine === true, () => {
    if (!isGiven) announce("The desktop is no longer yours.");
  });

  const isMine = lease?.mine === true;
  const isOthers = lease !== undefined && lease.person_id !== me;
  const isElsewhere = lease !== undefined && !isMine && !isOthers;
  return (
    <section className={isMine ? "takeover mine" : "takeover"} aria-label="Who has it">
      <div className="takeover-words">
        {lease === undefined && (
          <p>
            Take it over to use it yourself. Meanwhile tasks for it wait, and plans that have to
            look at it are put off; they go on when you give it back. That you had it goes on
            record, and what kind of input you gave.
          </p>
        )}
        {isMine && (
          <p>
            <strong>It is yours</strong> · <TimeLeft until={Date.parse(lease.until)} />. Tasks for
            it wait, and nobody else sees it.
          </p>
        )}
        {isElsewhere && (
          <p>
            <strong>You have it in another window or browser</strong> ·{" "}
            <TimeLeft until={Date.parse(lease.until)} />. Take it over here to go on here.
          </p>
        )}
        {isOthers && (
          <p>
            <strong>
              <Inert text={lease.name} /> has it
            </strong>{" "}
            · <TimeLeft until={Date.parse(lease.until)} />. Tasks for it wait until then.
          </p>
        )}
      </div>
      {!isOthers && (
        <div className="takeover-acts">
          <label className="inline-field">
            <span>{isMine ? "Keep it for" : "For"}</span>
            <select value={minutes} onChange={(event) => setMinutes(Number(event.target.value))}>
              {CHOICES.map((choice) => (
                <option key={choice} value={choice}>
                  {choice} minutes
                </option>
              ))}
            </select>
          </label>
          <button
            type="button"
            className={isMine ? "button" : "button primary"}
            disabled={take.isPending || !available}
            onClick={() => take.mutate()}
          >
            {isMine ? "Extend" : isElsewhere ? "Take over here" : "Take over"}
          </button>
          {(isMine || isElsewhere) && (
            <button
              type="button"
              className="button primary"
              disabled={give.isPending}
              onClick={() => give.mutate()}
            >
              Give back
            </button>
          )}
        </div>
      )}
      <Refusal error={take.error ?? give.error} />
    </section>
  );
}

/** What stands in the way, with a way to the task where it is one. */
function Refusal({ error }: { error: unknown }) {
  if (error === null) return null;
  const task = TASK.exec(problemOf(error).detail)?.[0];
  return (
    <div>
      <ProblemNote error={error} />
      {task !== undefined && (
        <p>
          <Link href={`/console/tasks/${task}`}>See the task that runs, or cancel it</Link>
        </p>
      )}
    </div>
  );
}

/** Calls once what was held is held no more. */
function useLossOf(isHeld: boolean, onLoss: () => void): void {
  const before = useRef(isHeld);
  const lose = useEffectEvent(onLoss);
  useEffect(() => {
    if (before.current && !isHeld) lose();
    before.current = isHeld;
  }, [isHeld]);
}
