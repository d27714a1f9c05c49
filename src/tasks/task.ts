import type { ConfirmationMode, RiskLevel } from "../contract/policy.ts";
import type {
  ApprovalView,
  Parameters,
  PlanRequest,
  Preview,
  RequestedBy,
  TaskError,
  TaskResult,
  TaskStatus,
} from "../contract/task.ts";

/** One step of a plan, as it is digested, approved and run. */
export interface PlannedStep {
  readonly action: string;
  /** Normalised: resolved paths, defaults filled in. */
  readonly parameters: Parameters;
  readonly risk: RiskLevel;
  /** State of the desktop the approval depends on: `file:/tmp/a.txt` → `sha256:…` or `absent`. */
  readonly bound: Readonly<Record<string, string>>;
}

/** What the digest covers. Never changed after planning. */
export interface Plan {
  readonly task_id: string;
  readonly requester: string;
  readonly desktop: string;
  readonly title?: string;
  readonly steps: readonly PlannedStep[];
  readonly risk: RiskLevel;
  readonly mode: ConfirmationMode;
  /** Distinct approvers asked for; 0 unless the mode is `approver`. */
  readonly approvals: number;
  /** ISO 8601, UTC. */
  readonly expires_at: string;
  /** 128 random bits no requester sees, so that a digest is no oracle for the bound state. */
  readonly salt: string;
  /** `sha256:` of the notes' text: what is shown of a plan is part of it. Absent in plans of earlier versions. */
  readonly notes_digest?: string;
}

declare const VERIFIED: unique symbol;

/**
 * A plan as it left the store: read from bytes that have its digest, and frozen. Only
 * `stored-plan.ts` makes one.
 */
export type StoredPlan = Plan & { readonly [VERIFIED]: true };

/** What was worked out while planning and is shown; the plan holds a digest of it. */
export interface PlanNotes {
  readonly summary: string;
  /** Whom the requester plans it for. */
  readonly requested_by?: RequestedBy;
  /** Parameters of the first step that were filled in and not sent. */
  readonly defaults: readonly string[];
  /** Digest of the parameters of the first step before the policy completed them, where it did. */
  readonly requested?: string;
  readonly steps: readonly {
    readonly summary: string;
    readonly reasons: readonly string[];
    /** The policy's rule that set who confirms; absent in notes of earlier versions. */
    readonly rule?: string;
    /** Reasons that only an approver sees, because they tell of the desktop's state. */
    readonly privateReasons: readonly string[];
    readonly preview?: Preview;
    /** The requester may read what the preview reveals without a person. */
    readonly openPreview: boolean;
  }[];
}

export interface Rejection {
  readonly key_id: string;
  readonly on_behalf_of?: string;
  readonly at: string;
  readonly reason?: string;
  /** What the requester may plan instead. */
  readonly proposal?: PlanRequest;
}

/** The part of a task that moves. */
export interface TaskState {
  readonly status: TaskStatus;
  /** Execute was asked for: an approval then starts it. */
  readonly executed: boolean;
  readonly approvals: readonly ApprovalView[];
  readonly rejection?: Rejection;
  readonly progress: number;
  readonly message?: string;
  readonly result: TaskResult;
  readonly error: TaskError | null;
  readonly started_at?: string;
  readonly finished_at?: string;
}

export interface Task {
  /** Order of planning; the cursor of lists. */
  readonly seq: number;
  /** Grows with every change: a change names the revision it started from. */
  readonly revision: number;
  readonly id: string;
  readonly requester: string;
  readonly created_at: string;
  readonly plan: StoredPlan;
  readonly digest: string;
  readonly notes: PlanNotes;
  readonly state: TaskState;
  /** Why what is stored is not what was planned and approved. Such a task is never run, shown as it stands or approved. */
  readonly corruption?: string;
  /** The stored plan is gone, or cannot be trusted: `plan` and `notes` are what the audit log tells of it. */
  readonly isAccount?: true;
}
