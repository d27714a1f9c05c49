import { createContext, type ReactNode, useCallback, useContext, useState } from "react";

interface Announcement {
  readonly id: number;
  readonly text: ReactNode;
}

const AnnounceContext = createContext<(text: ReactNode) => void>(() => {});
const STAYS_MS = 6000;
let next = 0;

/** Short words on what was done, at the foot of the page, also for screen readers. */
export function Announcer({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<readonly Announcement[]>([]);
  const announce = useCallback((text: ReactNode) => {
    next += 1;
    const id = next;
    setShown((before) => [...before.slice(-2), { id, text }]);
    setTimeout(() => setShown((before) => before.filter((entry) => entry.id !== id)), STAYS_MS);
  }, []);
  return (
    <AnnounceContext value={announce}>
      {children}
      <div className="announcements" role="status">
        {shown.map(({ id, text }) => (
          <p key={id}>{text}</p>
        ))}
      </div>
    </AnnounceContext>
  );
}

export function useAnnounce(): (text: ReactNode) => void {
  return useContext(AnnounceContext);
}
