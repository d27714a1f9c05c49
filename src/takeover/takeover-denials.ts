import { GatewayError } from "../contract/errors.ts";

export function takenBy(desktop: string, name: string): GatewayError {
  return new GatewayError("state_changed", `${name} has taken desktop ${desktop} over.`, {
    hint: "Wait until it is given back; GET /desktops says when that is at the latest.",
  });
}

export function inBetween(desktop: string): GatewayError {
  return new GatewayError("state_changed", `Desktop ${desktop} changes hands at this moment.`, {
    hint: "Try again in a moment.",
  });
}

export function busyWith(desktop: string, taskId: string): GatewayError {
  return new GatewayError("state_changed", `Task ${taskId} runs on desktop ${desktop}.`, {
    hint: `Wait for its end or cancel it (POST /tasks/${taskId}/cancel); of an agent, take the desktop with POST /tasks/${taskId}/takeover.`,
  });
}

/** Throws `state_changed` while another person has the desktop: what they do there is theirs. */
export function refuseOthers(
  takeovers: { isOthers(desktop: string, keyId: string): boolean },
  desktop: string,
  keyId: string,
): void {
  if (!takeovers.isOthers(desktop, keyId)) return;
  throw new GatewayError("state_changed", `Another person has taken desktop ${desktop} over.`, {
    hint: "It can be looked at again when it is given back; GET /desktops says who has it.",
  });
}
