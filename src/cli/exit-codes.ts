import type { TransportErrorCode } from "../client/client.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { TaskStatus } from "../contract/task.ts";

/** How the program ends. The numbers are part of its interface: scripts branch on them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  denied: 4,
  rejected: 5,
  expired: 6,
  unauthorised: 7,
  cancelled: 8,
  unavailable: 9,
  interrupted: 130,
  brokenPipe: 141,
} as const;
export type ExitName = keyof typeof EXIT;
export type ExitCode = (typeof EXIT)[ExitName];

/** What each means, for `--help`. */
export const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  ok: "done",
  failed: "the task failed, or a check found a fault, or the gateway refused for another reason",
  usage: "the command line, the parameters or a configuration file are wrong",
  unreachable: "no gateway answered",
  denied: "policy does not allow the action",
  rejected: "a person did not approve",
  expired: "the plan expired, or the time to wait was over",
  unauthorised: "a secret is missing or wrong, or the key may not do this",
  cancelled: "the task was cancelled",
  unavailable: "not now: stopped, busy, or a part of the gateway is missing",
  interrupted: "Ctrl-C ended the wait",
  brokenPipe: "the reader of the output went away",
};

const EXIT_OF_ERROR: Readonly<Partial<Record<ErrorCode | TransportErrorCode, ExitName>>> = {
  invalid_request: "usage",
  unreachable: "unreachable",
  timed_out: "unreachable",
  unexpected_answer: "unreachable",
  capability_unknown: "denied",
  capability_disabled: "denied",
  path_not_allowed: "denied",
  domain_not_allowed: "denied",
  command_not_allowed: "denied",
  application_not_allowed: "denied",
  task_rejected: "rejected",
  plan_expired: "expired",
  timeout: "expired",
  signature_missing: "unauthorised",
  signature_invalid: "unauthorised",
  signature_replayed: "unauthorised",
  timestamp_out_of_window: "unauthorised",
  token_invalid: "unauthorised",
  scope_missing: "unauthorised",
  host_not_allowed: "unauthorised",
  task_cancelled: "cancelled",
  rate_limited: "unavailable",
  queue_full: "unavailable",
  bytebot_unavailable: "unavailable",
  desktop_unavailable: "unavailable",
  audit_unavailable: "unavailable",
  stopped: "unavailable",
};

const EXIT_OF_STATUS: Readonly<Partial<Record<TaskStatus, ExitName>>> = {
  failed: "failed",
  interrupted: "failed",
  rejected: "rejected",
  expired: "expired",
  cancelled: "cancelled",
};

/** How a command ends that a request's failure ended. */
export function exitOfError(code: ErrorCode | TransportErrorCode): ExitCode {
  return EXIT[EXIT_OF_ERROR[code] ?? "failed"];
}

/** How a command ends that followed a task to this status; one that still goes on is no failure. */
export function exitOfStatus(status: TaskStatus): ExitCode {
  return EXIT[EXIT_OF_STATUS[status] ?? "ok"];
}
