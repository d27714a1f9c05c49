import { EventHub } from "../events/event-hub.ts";
import type { EventStore } from "../events/event-store.ts";
import type { Foundation } from "./foundation.ts";

/** What subscribers follow; at LOG_LEVEL=DEBUG every event is a line of the log too. */
export function openEvents({ log }: Foundation, store: EventStore): EventHub {
  store.onCommitted((committed) => {
    if (!log.isLevelEnabled("debug")) return;
    for (const { id, event, task_id, owner, data } of committed) {
      // No message and no result: they may hold what a step read.
      const { progress, error } = data;
      log.debug({ event_id: id, event, task_id, key: owner, progress, error }, "event");
    }
  });
  return new EventHub(store, {
    onError: (err) => log.error({ err }, "events could not be read for a subscriber"),
  });
}
