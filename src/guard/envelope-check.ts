import { GatewayError, type TaskErrorCode } from "../contract/errors.ts";
import type { Envelope } from "../contract/policy.ts";
import type { Parameters } from "../contract/task.ts";
import { isDaemonPath } from "../lib/daemon-input.ts";
import { isWithin } from "../lib/posix-path.ts";
import type { AgentAction } from "./translate.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How much of an envelope is used up. */
export interface Usage {
  readonly actions: number;
  /** Since the run began. */
  readonly elapsedMs: number;
}

/**
 * Throws a GatewayError where the action lies outside of the envelope or nothing of it is left. Where
 * the pointer may act is asked by `checkRegion`.
 */
export function checkEnvelope(envelope: Envelope, action: AgentAction, usage: Usage): void {
  const { capability, parameters } = action;
  const { application, path } = capability.facts(parameters);
  if (!envelope.actions.includes(capability.action)) {
    throw outside("capability_disabled", `${capability.action} is not in it`, "actions");
  }
  if (application !== undefined && !envelope.applications.includes(application)) {
    throw outside("application_not_allowed", "the application is not in it", "applications");
  }
  if (path !== undefined) checkPath(envelope, path);
  if (usage.actions >= envelope.max_actions) {
    throw outside("rate_limited", `its ${envelope.max_actions} actions are taken`, "max_actions");
  }
  if (usage.elapsedMs >= envelope.max_duration_s * 1000) {
    throw outside("timeout", `its ${envelope.max_duration_s} s are over`, "max_duration_s");
  }
}

/** Throws where one of the points lies outside of the envelope's region. */
export function checkRegion({ region }: Envelope, points: readonly Point[]): void {
  if (region === undefined) return;
  const { x, y, width, height } = region;
  const within = (point: Point) =>
    point.x >= x && point.x < x + width && point.y >= y && point.y < y + height;
  const strays = points.find((point) => !within(point));
  if (strays === undefined) return;
  throw outside("invalid_request", `${strays.x}, ${strays.y} is not in it`, "region");
}

/** Where a pointer action acts; undefined: where the pointer is. Other actions act nowhere. */
export function pointsOf({ capability, parameters }: AgentAction): readonly Point[] | undefined {
  if (!capability.action.startsWith("mouse.")) return [];
  const { path, coordinates } = parameters as Parameters & {
    path?: readonly Point[];
    coordinates?: Point;
  };
  return path ?? (coordinates === undefined ? undefined : [coordinates]);
}

function checkPath({ paths }: Envelope, path: string): void {
  if (!isDaemonPath(path) || path === "/") {
    throw new GatewayError(
      "path_not_allowed",
      "The path names no file, or has a character that ByteBot's shell could run.",
      { hint: "Letters, digits, spaces and . _ - + , = @ % ~ ( ) [ ] are taken." },
    );
  }
  if (paths.some((folder) => isWithin(path, folder))) return;
  throw outside("path_not_allowed", "the path is not in it", "paths");
}

function outside(code: TaskErrorCode, problem: string, member: keyof Envelope): GatewayError {
  return new GatewayError(code, `Outside of the envelope: ${problem} (envelope.${member}).`, {
    hint: "The envelope was approved with the task; plan it again with a wider one.",
  });
}
