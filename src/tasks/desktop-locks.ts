import type { Locks } from "./lock-table.ts";

/** Held by the task that acts on a desktop, or by the person who has taken it over. */
export function desktopLock(desktop: string): string {
  return `desktop:${desktop}`;
}

/** What a plan holds while it looks at a desktop: many may at once, also while a task runs. */
export function locksOfLook(desktop: string): Locks {
  return new Map([[lookLock(desktop), "shared"]]);
}

/** What a person holds who has taken a desktop over: nobody else acts on it or looks at it. */
export function locksOfTakeover(desktop: string): Locks {
  return new Map([...locksOfActing(desktop), ...locksOfWatching(desktop)]);
}

/** The part of it that a task holds whose agent has given the desktop to the person. */
export function locksOfActing(desktop: string): Locks {
  return new Map([[desktopLock(desktop), "exclusive"]]);
}

/** The part of it that no task ever holds. */
export function locksOfWatching(desktop: string): Locks {
  return new Map([[lookLock(desktop), "exclusive"]]);
}

function lookLock(desktop: string): string {
  return `look:${desktop}`;
}
