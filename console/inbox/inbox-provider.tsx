import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from "react";
import { service } from "../api/service.ts";
import { useLive, useLiveEvents } from "../live/live-provider.tsx";
import { type InboxState, InboxStore } from "./inbox-store.ts";
import { notifyOf } from "./notifications.ts";
import type { Waiting } from "./waiting.ts";

const InboxContext = createContext<InboxStore | undefined>(undefined);

/** Keeps what waits for every page: the title's number, notifications, the list itself. */
export function InboxProvider({
  children,
  onOpen,
}: {
  children: ReactNode;
  /** A notification was pressed. */
  onOpen: (waiting: Waiting) => void;
}) {
  const store = useMemo(
    () =>
      new InboxStore({
        source: service,
        onArrival: (waiting) => notifyOf(waiting, () => onOpen(waiting)),
      }),
    [onOpen],
  );
  const { gaps } = useLive();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a gap in the events is made up for
  useEffect(() => void store.load(), [store, gaps]);
  useLiveEvents((event) => store.apply(event));
  return <InboxContext value={store}>{children}</InboxContext>;
}

export function useInbox(): InboxState & { reload: () => void } {
  const store = useContext(InboxContext);
  if (store === undefined) throw new Error("useInbox outside InboxProvider");
  const state = useSyncExternalStore(store.subscribe, store.state);
  return { ...state, reload: () => void store.load() };
}
