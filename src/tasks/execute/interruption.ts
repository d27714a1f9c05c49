import { GatewayError } from "../../contract/errors.ts";
import type { TaskError, TaskStatus } from "../../contract/task.ts";

/** Why a running task is made to end: the reason its AbortSignal carries. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly kind: keyof typeof ENDINGS;
  /** The key that asked for it; null for the gateway itself. */
  readonly keyId: string | null;

  constructor(kind: keyof typeof ENDINGS, keyId: string | null, detail: string) {
    super(detail);
    this.kind = kind;
    this.keyId = keyId;
  }

  get status(): TaskStatus {
    return ENDINGS[this.kind].status;
  }

  /** `step` is missing where none had started, or where nobody knows which one ran. */
  error(step?: number): TaskError {
    const { code, hint } = ENDINGS[this.kind];
    if (step !== undefined) return { code, detail: this.message, hint, step };
    return { code, detail: this.message, hint: this.kind === "cancel" ? NOTHING_RAN : hint };
  }
}

const NOTHING_RAN = "It had not started: nothing of it ran.";

const ENDINGS = {
  cancel: {
    status: "cancelled",
    code: "task_cancelled",
    hint: "Steps before this one have run; what this one did before it was stopped may remain.",
  },
  stop: {
    status: "cancelled",
    code: "stopped",
    hint: "The gateway was stopped; plan again once it is resumed.",
  },
  revoked: {
    status: "cancelled",
    code: "task_cancelled",
    hint: "A key or a grant that this task depends on is gone.",
  },
  timeout: {
    status: "failed",
    code: "timeout",
    hint: "security.max_task_duration_s in config/policy.json bounds how long a task may run.",
  },
  shutdown: {
    status: "interrupted",
    code: "outcome_unknown",
    hint: "Look at the desktop before planning it again: it is never rerun by itself.",
  },
} as const satisfies Record<string, { status: TaskStatus; code: TaskError["code"]; hint: string }>;

/** What a failed step says; an unforeseen error keeps its detail for the log. */
export function stepError(error: unknown, step: number, readOnly: boolean): TaskError {
  if (error instanceof GatewayError) {
    const { hint } = error.extras;
    return { code: error.code, detail: error.detail, ...(hint !== undefined && { hint }), step };
  }
  if (readOnly) {
    return {
      code: "internal_error",
      detail: "The step failed unexpectedly; the log has the cause.",
      hint: "The step only reads: it can be planned and run again.",
      step,
    };
  }
  return {
    code: "outcome_unknown",
    detail: "The step failed unexpectedly and may have had its effect; the log has the cause.",
    hint: "Look at the desktop before planning it again.",
    step,
  };
}
