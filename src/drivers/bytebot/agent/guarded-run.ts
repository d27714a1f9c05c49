import { GatewayError } from "../../../contract/errors.ts";
import type { GuardedSession } from "../../../tasks/agent-guard.ts";
import type { AgentApi } from "./agent-api.ts";

/**
 * Why the agent may not act at this moment, or undefined. Its one running task must be ours, and the
 * desktop the agent's: whatever else it works on cannot be told apart from that. Asked of the agent
 * anew each time, and refused where it does not answer.
 */
export async function findAgentDenial(
  api: AgentApi,
  created: Promise<string | undefined>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const id = await orAborted(created, signal);
    if (id === undefined) return "the agent's task was not created";
    const { tasks, total } = await api.runningTasks(signal);
    const ours = tasks.find((task) => task.id === id);
    if (total > 1) return "the agent runs another task beside it";
    if (ours?.status !== "RUNNING") return "the agent's task does not run";
    return ours.control === "ASSISTANT" ? undefined : "a person has the desktop";
  } catch (error) {
    return notSaid(error);
  }
}

/**
 * Why the agent may not put a file of our task on the desktop, or undefined. It does so before the
 * task counts as running; these bytes in this place were approved, whatever else it works on.
 */
export async function findFileDenial(
  api: AgentApi,
  created: Promise<string | undefined>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const id = await orAborted(created, signal);
    const ours = id === undefined ? undefined : await api.task(id, signal, 0);
    const isLive = ours?.status === "PENDING" || ours?.status === "RUNNING";
    if (!isLive) return "the agent's task neither waits nor runs";
    return ours.control === "ASSISTANT" ? undefined : "a person has the desktop";
  } catch (error) {
    return notSaid(error);
  }
}

/** The session, disposed once however often it is asked for: some ends come together. */
export function endOnce(session: GuardedSession): () => void {
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    session[Symbol.dispose]();
  };
}

async function orAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new GatewayError("task_cancelled", "the action was stopped"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([value, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    promise.catch(() => {});
  }
}

function notSaid(error: unknown): string {
  const code = error instanceof GatewayError ? error.code : "internal_error";
  return `the agent does not say what it works on (${code})`;
}
