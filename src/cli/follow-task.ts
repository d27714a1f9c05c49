import type { GatewayClient } from "../client/client.ts";
import type { TaskView } from "../contract/task.ts";
import { CliError } from "./cli-error.ts";
import { ProgressLine } from "./progress-line.ts";
import type { Session } from "./session.ts";

/**
 * Follows a task to its end with a progress line on stderr. Ctrl-C and `timeoutSeconds` end the
 * waiting, never the task: the error says how to cancel it.
 */
export async function followTask(
  session: Session,
  client: GatewayClient,
  taskId: string,
  timeoutSeconds: number | undefined,
): Promise<TaskView> {
  const { shell, output } = session;
  const line = new ProgressLine(shell, output.json);
  const limit =
    timeoutSeconds === undefined ? undefined : AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = limit === undefined ? shell.signal : AbortSignal.any([shell.signal, limit]);
  try {
    return await client.follow(taskId, {
      signal,
      onEvent: (event) => line.event(event),
      onReconnect: () => line.waiting("connection lost, trying again"),
    });
  } catch (error) {
    const hint = `Cancel it: ${output.program} cancel ${taskId}`;
    if (shell.signal.aborted) {
      throw new CliError("interrupted", "Stopped waiting; the task goes on.", hint);
    }
    if (limit?.aborted) {
      const text = `The task did not end within ${timeoutSeconds} s; it goes on.`;
      throw new CliError("expired", text, hint);
    }
    throw error;
  } finally {
    line.clear();
  }
}
