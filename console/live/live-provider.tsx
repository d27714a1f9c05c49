import { useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useEffectEvent,
  useMemo,
  useState,
} from "react";
import { kept } from "../api/queries.ts";
import { type LiveEvent, LiveEvents, type LiveState } from "./live-events.ts";
import { SharedEvents } from "./shared-events.ts";

type Listener = (event: LiveEvent) => void;

interface Live {
  readonly state: LiveState;
  /** Counts the times that events may have been missed. */
  readonly gaps: number;
  listen(listener: Listener): () => void;
}

const LiveContext = createContext<Live | undefined>(undefined);

/** Which answers an event makes out of date. */
const OUTDATES: Partial<Record<LiveEvent["event"], readonly (readonly unknown[])[]>> = {
  gateway_stopped: [kept.ready],
  gateway_resumed: [kept.ready],
  policy_reloaded: [kept.ready, ["policy"], ["capabilities"]],
  grant_created: [kept.grants],
  grant_ended: [kept.grants],
};

/** At most so often is a task on show asked for again while its events pour in. */
const TASK_PAUSE_MS = 400;

/** The one stream that all pages of a person share, in every tab of the browser. */
export function LiveProvider({ person, children }: { person: string; children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  const [gaps, setGaps] = useState(0);
  const listeners = useMemo(() => new Set<Listener>(), []);

  useEffect(() => {
    const due = new Map<string, ReturnType<typeof setTimeout>>();
    const refreshTask = (id: string) => {
      if (due.has(id)) return;
      due.set(
        id,
        setTimeout(() => {
          due.delete(id);
          void client.invalidateQueries({ queryKey: kept.task(id) });
        }, TASK_PAUSE_MS),
      );
    };
    const live = follow({
      name: `bytebot-events-${person}`,
      onState: (next) => {
        setState(next);
        // A stream that breaks may be a session that ended.
        if (next === "broken") void client.invalidateQueries({ queryKey: kept.session });
      },
      onGap: () => {
        setGaps((count) => count + 1);
        void client.invalidateQueries();
      },
      onEvent: (event) => {
        for (const key of OUTDATES[event.event] ?? []) {
          void client.invalidateQueries({ queryKey: key });
        }
        if (event.event.startsWith("desktop_")) {
          void client.invalidateQueries({ queryKey: ["desktops"] });
        }
        if (event.task_id !== null && client.getQueryState(kept.task(event.task_id))) {
          refreshTask(event.task_id);
        }
        for (const listener of [...listeners]) listener(event);
      },
    });
    const hurry = () => {
      if (document.visibilityState === "visible") live.hurry();
    };
    document.addEventListener("visibilitychange", hurry);
    addEventListener("online", hurry);
    return () => {
      document.removeEventListener("visibilitychange", hurry);
      removeEventListener("online", hurry);
      for (const timer of due.values()) clearTimeout(timer);
      live.close();
    };
  }, [client, listeners, person]);

  const live = useMemo<Live>(
    () => ({
      state,
      gaps,
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    }),
    [state, gaps, listeners],
  );
  return <LiveContext value={live}>{children}</LiveContext>;
}

function follow(options: ConstructorParameters<typeof SharedEvents>[0]) {
  return SharedEvents.isPossible() ? new SharedEvents(options) : new LiveEvents(options);
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === undefined) throw new Error("useLive outside LiveProvider");
  return live;
}

/** Calls the listener, as it then is, with every event. */
export function useLiveEvents(listener: Listener): void {
  const { listen } = useLive();
  const call = useEffectEvent(listener);
  useEffect(() => listen((event) => call(event)), [listen]);
}
