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
