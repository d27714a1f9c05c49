import { useEffect, useState } from "react";
import { type LiveEvent, LiveEvents } from "./live-events.ts";

/** More than a page can show: the newest are kept. */
const MAX_EVENTS = 2000;
const FINAL: ReadonlySet<string> = new Set([
  "task_rejected",
  "task_expired",
  "task_completed",
  "task_failed",
  "task_cancelled",
  "task_interrupted",
]);

/** All events of one task, those before included. The stream ends with the task. */
export function useTaskEvents(taskId: string): readonly LiveEvent[] {
  const [events, setEvents] = useState<readonly LiveEvent[]>([]);
  useEffect(() => {
    setEvents([]);
    let waiting: LiveEvent[] = [];
    let frame = 0;
    const show = () => {
      frame = 0;
      const batch = waiting;
      waiting = [];
      setEvents((before) => [...before, ...batch].slice(-MAX_EVENTS));
    };
    const live = new LiveEvents({
      taskId,
      onEvent: (event) => {
        waiting.push(event);
        frame ||= requestAnimationFrame(show);
        if (FINAL.has(event.event)) live.close();
      },
    });
    // A browser has few connections for all its tabs: one in the back needs none.
    const follow = () => (document.visibilityState === "visible" ? live.hurry() : live.rest());
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      cancelAnimationFrame(frame);
      live.close();
    };
  }, [taskId]);
  return events;
}
