import { setTimeout as sleep } from "node:timers/promises";
import { LIVE } from "./agent-answers.ts";
import type { AgentApi } from "./agent-api.ts";
import type { Timings } from "./timings.ts";

const MAX_PAUSE_MS = 2000;

/**
 * Cancels a task of ours and resolves once it is seen to be over: true, or false where that could
 * not be seen in time.
 *
 * ByteBot's agent, told to cancel any task, breaks off whichever one it works on; a job of its own
 * takes that up again seconds later if it was another. So a task is cancelled only while it is live
 * itself, is looked at before every try, and none but our own is ever cancelled.
 */
export async function stopTask(api: AgentApi, id: string, timings: Timings): Promise<boolean> {
  const signal = AbortSignal.timeout(timings.stopMs);
  for (let pause = timings.gapMs; !signal.aborted; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      const task = await api.task(id, signal, 0);
      if (task === undefined || !LIVE.has(task.status)) return true;
      await api.command(id, "cancel", signal);
    } catch {
      // Whatever went wrong, the next look at the task tells how it is.
    }
    await sleep(pause);
  }
  return false;
}
