/** Every code an answer can carry, with its HTTP status and title: the one place codes are listed. */
const CODES = {
  invalid_request: [400, "Invalid request"],
  signature_missing: [401, "Signature missing"],
  signature_invalid: [401, "Signature invalid"],
  timestamp_out_of_window: [401, "Timestamp out of window"],
  signature_replayed: [401, "Signature replayed"],
  token_invalid: [401, "Token invalid"],
  capability_unknown: [403, "Capability unknown"],
  capability_disabled: [403, "Capability disabled"],
  path_not_allowed: [403, "Path not allowed"],
  domain_not_allowed: [403, "Domain not allowed"],
  command_not_allowed: [403, "Command not allowed"],
  application_not_allowed: [403, "Application not allowed"],
  scope_missing: [403, "Scope missing"],
  host_not_allowed: [403, "Host not allowed"],
  not_found: [404, "Not found"],
  task_not_found: [404, "Task not found"],
  artifact_not_found: [404, "Artifact not found"],
  method_not_allowed: [405, "Method not allowed"],
  plan_mismatch: [409, "Plan mismatch"],
  digest_mismatch: [409, "Digest mismatch"],
  state_changed: [409, "State changed"],
  already_decided: [409, "Already decided"],
  same_approver: [409, "Same approver"],
  task_rejected: [409, "Task rejected"],
  task_cancelled: [409, "Task cancelled"],
  plan_corrupted: [409, "Plan corrupted"],
  plan_expired: [410, "Plan expired"],
  body_too_large: [413, "Body too large"],
  file_too_large: [413, "File too large"],
  unsupported_media_type: [415, "Unsupported media type"],
  rate_limited: [429, "Rate limited"],
  queue_full: [429, "Queue full"],
  headers_too_large: [431, "Headers too large"],
  internal_error: [500, "Internal error"],
  bytebot_error: [502, "ByteBot error"],
  bytebot_unavailable: [503, "ByteBot unavailable"],
  desktop_unavailable: [503, "Desktop unavailable"],
  audit_unavailable: [503, "Audit unavailable"],
  stopped: [503, "Stopped"],
  timeout: [504, "Timeout"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

/** Codes only a failed task's `error` carries: they never head an HTTP answer. */
const TASK_CODES = [
  "file_not_found",
  "file_exists",
  "not_a_file",
  "disk_full",
  "text_not_found",
  "command_failed",
  "outcome_unknown",
] as const;

export type ErrorCode = keyof typeof CODES;
export type TaskErrorCode = ErrorCode | (typeof TASK_CODES)[number];

export const ERROR_CODES = Object.keys(CODES) as ErrorCode[];
export const TASK_ERROR_CODES: readonly TaskErrorCode[] = [...ERROR_CODES, ...TASK_CODES];

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(CODES, code);
}

export function statusOf(code: ErrorCode): number {
  return CODES[code][0];
}

export function titleOf(code: ErrorCode): string {
  return CODES[code][1];
}

/** What an error may say besides its code and detail. Everything here reaches the caller. */
export interface ErrorExtras {
  /** How the caller or the operator can change it. */
  hint?: string;
  /** Seconds; also sent as the Retry-After header. */
  retry_after?: number;
  allowed_paths?: readonly string[];
  allowed_domains?: readonly string[];
  allowed_commands?: readonly string[];
  allowed_apps?: readonly string[];
  /** A body for POST /plan that an approver proposes in place of what was rejected. */
  proposal?: Readonly<Record<string, unknown>>;
  /** In place of a proposal too large to repeat: where it stands. */
  proposal_url?: string;
}

/**
 * The one error of this service. `detail` says what was refused and by which rule and is shown to
 * the caller, so it holds no secret; `cause` stays in the log.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: TaskErrorCode;
  readonly extras: ErrorExtras;

  constructor(code: TaskErrorCode, detail: string, extras: ErrorExtras = {}, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
    this.extras = extras;
  }

  get detail(): string {
    return this.message;
  }

  /** HTTP status of the answer; a task-only code never heads one and counts as a conflict. */
  get status(): number {
    return isErrorCode(this.code) ? statusOf(this.code) : 409;
  }
}
