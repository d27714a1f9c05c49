/**
 * ms to wait before try `attempt` (from 0) is made again: twice as long each time, with the upper half
 * random, so that many clients do not come back together.
 */
export function backoff(attempt: number, firstMs: number, longestMs: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** attempt);
  return full / 2 + (Math.random() * full) / 2;
}
