import { useState } from "react";
import type { EventName } from "../../src/contract/event.ts";
import type { LiveEvent } from "../live/live-events.ts";
import { Inert } from "../parts/inert.tsx";
import { Moment } from "../parts/time.tsx";

const WORDS: Partial<Record<EventName, string>> = {
  task_planned: "Planned",
  task_confirmed: "Approved",
  task_rejected: "Rejected",
  task_expired: "Expired",
  task_queued: "Queued",
  task_started: "Started",
  task_progress: "Progress",
  task_completed: "Done",
  task_failed: "Failed",
  task_cancelled: "Cancelled",
  task_interrupted: "Interrupted: what became of it is not known",
  grant_created: "Allowed for a while",
};
const FIRST_SHOWN = 60;

/** What happened, as it happens; the newest below. */
export function Timeline({ events }: { events: readonly LiveEvent[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? events : events.slice(-FIRST_SHOWN);
  const hidden = events.length - shown.length;
  return (
    <section className="timeline-part" aria-label="What happened">
      <h3>What happened</h3>
      {hidden > 0 && (
        <button type="button" className="link" onClick={() => setAll(true)}>
          Show {hidden} earlier
        </button>
      )}
      <ol className="timeline">
        {shown.map((event) => (
          <li key={event.id} className={event.event}>
            <Moment at={event.timestamp} />
            <span className="what">
              <Words event={event} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Words({ event }: { event: LiveEvent }) {
  const word = WORDS[event.event] ?? event.event;
  const by = textOf(event, "key_id") ?? textOf(event, "by");
  const reason = textOf(event, "reason");
  return (
    <>
      {event.event === "task_progress" && event.message !== undefined ? (
        <Inert text={event.message} />
      ) : (
        <>
          {word}
          {by !== undefined && (
            <>
              {" by "}
              <Inert text={by} />
            </>
          )}
          {reason !== undefined && (
            <>
              {": "}
              <Inert text={reason} />
            </>
          )}
        </>
      )}
    </>
  );
}

function textOf(event: LiveEvent, field: string): string | undefined {
  const value = event[field];
  return typeof value === "string" && value !== "" ? value : undefined;
}
