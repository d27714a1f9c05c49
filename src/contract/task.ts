import Type, { type Static } from "typebox";
import { TASK_ERROR_CODES } from "./errors.ts";
import { ConfirmationMode, RiskLevel } from "./policy.ts";

/** `task_` and 128 random bits, unpadded base64url. */
export const TaskId = Type.String({ pattern: "^task_[A-Za-z0-9_-]{22}$" });
export const PlanDigest = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });
const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC" });

export const TASK_STATUSES = [
  "planned",
  "awaiting_confirmation",
  "ready",
  "queued",
  "running",
  "completed",
  "failed",
  "cancelled",
  "interrupted",
  "rejected",
  "expired",
] as const;
export const TaskStatus = Type.Enum([...TASK_STATUSES]);
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** A step's parameters as JSON; the capability's own schema checks them. */
export const Parameters = Type.Unsafe<Parameters>(Type.Object({}, { additionalProperties: true }));
export type Parameters = Record<string, unknown>;

export const Action = Type.String({ minLength: 1, maxLength: 64 });

/** What a step will do, for the person who decides. Text is shown as inert text only. */
export const Preview = Type.Union([
  Type.Object({
    kind: Type.Literal("diff"),
    path: Type.String(),
    /** Unified diff; empty where nothing would change. */
    diff: Type.String(),
    /** The diff was cut: the whole content is in `parameters`. */
    truncated: Type.Boolean(),
    note: Type.Optional(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal("url"),
    href: Type.String(),
    host: Type.String({ description: "in its ASCII form (punycode)" }),
    host_unicode: Type.Optional(
      Type.String({ description: "as a person may read it, where that differs from `host`" }),
    ),
    port: Type.String(),
    path: Type.String(),
  }),
  Type.Object({ kind: Type.Literal("command"), argv: Type.Array(Type.String()) }),
  Type.Object({
    kind: Type.Literal("text"),
    text: Type.String(),
    /** Where it goes, as far as the desktop could tell. */
    note: Type.Optional(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal("screenshot"),
    /** An artifact: the screen when the step was planned, its targets marked in it. */
    artifact_id: Type.String(),
    url: Type.String(),
    width: Type.Integer({ description: "pixels" }),
    height: Type.Integer({ description: "pixels" }),
    targets: Type.Array(Type.Object({ x: Type.Integer(), y: Type.Integer() })),
    note: Type.Optional(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal("agent"),
    description: Type.String(),
    /** Within what the agent may act by itself, a sentence each. */
    envelope: Type.Array(Type.String()),
  }),
]);
export type Preview = Static<typeof Preview>;

export const StepView = Type.Object({
  action: Action,
  parameters: Parameters,
  summary: Type.String(),
  risk: RiskLevel,
  reasons: Type.Array(Type.String()),
  /** Absent for plans of earlier versions. */
  rule: Type.Optional(
    Type.String({
      description: "the policy's rule that set who confirms, by its place in the file",
    }),
  ),
  /** Absent where it would reveal what this caller may not read without a person. */
  preview: Type.Optional(Preview),
});
export type StepView = Static<typeof StepView>;

export const TaskError = Type.Object({
  code: Type.Enum([...TASK_ERROR_CODES]),
  detail: Type.String(),
  hint: Type.Optional(Type.String()),
  /** The step that failed, from 0. */
  step: Type.Optional(Type.Integer()),
});
export type TaskError = Static<typeof TaskError>;

export const ArtifactView = Type.Object({
  id: Type.String(),
  url: Type.String(),
  media_type: Type.String(),
  size: Type.Integer({ description: "bytes" }),
  name: Type.String(),
  step: Type.Integer({ description: "the step that made it, from 0" }),
});
export type ArtifactView = Static<typeof ArtifactView>;

/** Where the person sat who decided with the requester's own key, which its operator trusts for that. */
export const SURFACES = ["card", "elicitation"] as const;
export type Surface = (typeof SURFACES)[number];

export const ApprovalView = Type.Object({
  key_id: Type.String({ description: "whose approval it is" }),
  via: Type.Optional(
    Type.Enum([...SURFACES, "grant"], {
      description:
        "card, elicitation: given on the trusted approval surface of the key that planned the task. grant: given by what `key_id` allowed for a while.",
    }),
  ),
  grant_id: Type.Optional(Type.String({ description: "the grant, with via grant" })),
  on_behalf_of: Type.Optional(Type.String()),
  touched: Type.Optional(
    Type.Literal(true, {
      description: "with a fresh touch of the approver's passkey, whose proof is in the audit log",
    }),
  ),
  at: Time,
  plan_digest: PlanDigest,
});
export type ApprovalView = Static<typeof ApprovalView>;

const claim = Type.Optional(Type.String({ maxLength: 200 }));

/** The person a requester says it works for. */
export const RequestedBy = Type.Object(
  {
    verified: Type.Boolean({ description: "a signed token says so; else it is only claimed" }),
    id: claim,
    name: claim,
    email: claim,
    role: claim,
  },
  { additionalProperties: false },
);
export type RequestedBy = Static<typeof RequestedBy>;

/** A step as it is asked for. */
export const StepRequest = Type.Object(
  { action: Action, parameters: Type.Optional(Parameters) },
  { additionalProperties: false },
);
export type StepRequest = Static<typeof StepRequest>;

/** The most steps one plan may have. */
const MAX_STEPS = 100;

/**
 * POST /plan: one action, or several steps. Which of the two is checked by the task engine, so that
 * the answer names what is wrong rather than "matches no schema".
 */
export const PlanRequest = Type.Object(
  {
    action: Type.Optional(Action),
    parameters: Type.Optional(Parameters),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    desktop: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    steps: Type.Optional(Type.Array(StepRequest, { minItems: 1, maxItems: MAX_STEPS })),
  },
  {
    additionalProperties: false,
    examples: [{ action: "fs.read", parameters: { path: "/tmp/test.txt" } }],
  },
);
export type PlanRequest = Static<typeof PlanRequest>;

const Planned = {
  task_id: TaskId,
  title: Type.Optional(Type.String()),
  desktop: Type.String(),
  action: Action,
  parameters: Parameters,
  estimated_risk: RiskLevel,
  plan_summary: Type.String(),
  requires_confirmation: Type.Boolean({ description: "false only where the mode is none" }),
  plan_digest: PlanDigest,
  status: TaskStatus,
  expires_at: Time,
  requested_by: Type.Optional(RequestedBy),
  confirmation: Type.Object({
    mode: ConfirmationMode,
    url: Type.String({ description: "Opens the plan for an approver; gives no right by itself." }),
    approvals_required: Type.Integer(),
  }),
  steps: Type.Array(StepView),
};

/**
 * The answer of POST /plan. `action` and `parameters` are the first step's, without what was filled
 * in; `steps` has every step as it will run.
 */
export const PlanView = Type.Object(Planned);
export type PlanView = Static<typeof PlanView>;

export const TaskResult = Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()]);
export type TaskResult = Record<string, unknown> | null;

/** What an approver may allow for a while, as proposed; see GrantRequest. */
export const Grantable = Type.Object({
  action: Action,
  path_prefix: Type.Optional(Type.String()),
  domain: Type.Optional(Type.String()),
  max_minutes: Type.Integer({ minimum: 1 }),
});
export type Grantable = Static<typeof Grantable>;

/** The answer of GET /tasks/{id}: the plan and all that became of it. */
export const TaskView = Type.Object({
  ...Planned,
  requester: Type.String({ description: "the key that planned it" }),
  approvals: Type.Array(ApprovalView),
  rejection: Type.Optional(
    Type.Object({
      key_id: Type.String(),
      on_behalf_of: Type.Optional(Type.String()),
      at: Time,
      reason: Type.Optional(Type.String()),
      /** Nothing is planned by itself: it is a body for POST /plan. */
      proposal: Type.Optional(PlanRequest),
    }),
  ),
  grantable: Type.Optional(Grantable),
  progress: Type.Integer({ minimum: 0, maximum: 100 }),
  message: Type.Optional(Type.String({ description: "the newest progress message" })),
  result: TaskResult,
  error: Type.Union([TaskError, Type.Null()]),
  artifacts: Type.Array(ArtifactView),
  created_at: Time,
  started_at: Type.Optional(Time),
  finished_at: Type.Optional(Time),
});
export type TaskView = Static<typeof TaskView>;
