import { GatewayError } from "../../contract/errors.ts";

/** What an aborted step rejects with: the signal's own GatewayError, or what its reason amounts to. */
export function abortError(signal: AbortSignal): GatewayError {
  const reason: unknown = signal.reason;
  if (reason instanceof GatewayError) return reason;
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  return isTimeout
    ? new GatewayError("timeout", "the step took longer than it may", {}, reason)
    : new GatewayError("task_cancelled", "the step was stopped", {}, reason);
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}
