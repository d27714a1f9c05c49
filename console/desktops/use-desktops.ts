import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { DESKTOPS, desktopService } from "../api/desktops.ts";
import { useRefresh } from "../api/queries.ts";
import { useLiveEvents } from "../live/live-provider.tsx";

/** ms; health and what runs change without an event of their own. */
const AGAIN_MS = 10_000;
/** A desktop may have become free, or busy. */
const TURNS = /^(task_(started|completed|failed|cancelled|interrupted)|gateway_)/;
/** ms; events that come together make one question of it. */
const PAUSE_MS = 500;

/** All desktops, kept up to date while they are on show. */
export function useDesktops() {
  const refresh = useRefresh();
  const due = useRef(false);
  useLiveEvents(({ event }) => {
    if (!TURNS.test(event) || due.current) return;
    due.current = true;
    setTimeout(() => {
      due.current = false;
      refresh(DESKTOPS);
    }, PAUSE_MS);
  });
  return useQuery({
    queryKey: DESKTOPS,
    queryFn: ({ signal }) => desktopService.list(signal),
    staleTime: 1000,
    refetchInterval: AGAIN_MS,
  });
}
