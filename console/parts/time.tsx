import { useSyncExternalStore } from "react";

/** One clock for all that counts down on a page. */
const clock = createClock();

function useNow(): number {
  return useSyncExternalStore(clock.subscribe, clock.now);
}

/** How long something still holds; urgent in its last minute. */
export function TimeLeft({ until }: { until: number }) {
  const seconds = Math.max(0, Math.round((until - useNow()) / 1000));
  return (
    <time
      className={seconds < 60 ? "time-left urgent" : "time-left"}
      dateTime={new Date(until).toISOString()}
    >
      {seconds === 0 ? "time is over" : `${duration(seconds)} left`}
    </time>
  );
}

/** A moment in the reader's own time; the exact one on a hover. */
export function Moment({ at }: { at: string }) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={at}>
      {isToday ? TIME.format(date) : DAY_AND_TIME.format(date)}
    </time>
  );
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "short",
});

/** `45 s`, `12 min`, `3 h`, `2 days`. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

function createClock() {
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const listeners = new Set<() => void>();
  return {
    now: () => now,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      if (listeners.size === 1) {
        now = Date.now();
        timer = setInterval(() => {
          now = Date.now();
          for (const each of [...listeners]) each();
        }, 1000);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearInterval(timer);
      };
    },
  };
}
