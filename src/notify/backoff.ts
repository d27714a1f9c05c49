const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** ms after the first, second … failed attempt; the last one stays. */
const DELAYS = [
  SECOND,
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
] as const;

/** ms that a receiver may ask to be left alone at most. */
const MAX_DELAY_MS = HOUR;

/** ms after which a notification that has not arrived is given up. */
export const GIVE_UP_MS = 3 * 24 * HOUR;

/**
 * ms to wait after so many failed attempts (1 or more): a quarter more or less, so that many senders
 * do not come back together, and at least what the receiver asked for.
 */
export function backoff(attempts: number, retryAfterMs = 0, random = Math.random()): number {
  const delay = DELAYS[Math.min(attempts, DELAYS.length) - 1] ?? MAX_DELAY_MS;
  return Math.max(delay * (0.75 + random / 2), Math.min(retryAfterMs, MAX_DELAY_MS));
}
