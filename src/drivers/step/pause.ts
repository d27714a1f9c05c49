import { setTimeout as sleep } from "node:timers/promises";
import { abortError } from "./aborted.ts";

/** Lets `ms` pass. Rejects as an aborted step does. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw abortError(signal);
  }
}
