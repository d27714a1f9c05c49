import Type, { type Static } from "typebox";
import { KeyId } from "./key.ts";
import { ConfirmationMode, RiskLevel } from "./policy.ts";
import { SCHEMES, SCOPES } from "./principal.ts";
import { Action, Parameters, TaskId } from "./task.ts";

const closed = { additionalProperties: false } as const;
const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC" });
const Count = Type.Integer({ minimum: 0 });
const Seconds = Type.Number({ minimum: 0, description: "seconds" });

/** The policy in force, every default filled in. */
export const PolicyView = Type.Object({
  digest: Type.String(),
  loaded_at: Time,
  /** Where it is edited; a missing file is the shipped default. */
  file: Type.String(),
  /** Why the file as it is now is not in force. */
  problem: Type.Optional(Type.String()),
  policy: Type.Record(Type.String(), Type.Unknown()),
});
export type PolicyView = Static<typeof PolicyView>;

export const ExplainRequest = Type.Object(
  {
    action: Action,
    parameters: Type.Optional(Parameters),
    key_id: Type.Optional(
      Type.String({ maxLength: 64, description: "the key that asks; default where absent" }),
    ),
  },
  { ...closed, examples: [{ action: "fs.read", parameters: { path: "/tmp/test.txt" } }] },
);
export type ExplainRequest = Static<typeof ExplainRequest>;

/** What policy says to a step, in short. */
export const DecisionView = Type.Object({
  effect: Type.Enum(["allow", "deny"]),
  /** Of what is allowed. */
  risk: Type.Optional(RiskLevel),
  mode: Type.Optional(ConfirmationMode),
  /** Distinct approvers; 0 unless the mode is `approver`. */
  approvals: Type.Optional(Type.Integer()),
  reasons: Type.Optional(Type.Array(Type.String())),
  /** Of what is denied. */
  code: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
});
export type DecisionView = Static<typeof DecisionView>;

export const ExplanationView = Type.Object({
  action: Type.String(),
  key_id: Type.String(),
  decision: DecisionView,
  /** The rule that decided: what denied, or what set the confirmation. */
  rule: Type.String(),
  /** Every check in order. */
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      outcome: Type.Enum(["passed", "skipped", "denied", "not reached"]),
      note: Type.String(),
    }),
  ),
  /** What would change the decision. */
  changes: Type.Array(
    Type.Object({
      effect: Type.String(),
      file: Type.Enum(["policy.json", "clients.json"]),
      pointer: Type.String(),
      line: Type.String(),
    }),
  ),
});
export type ExplanationView = Static<typeof ExplanationView>;

export const DryRunRequest = Type.Object(
  {
    policy: Type.Union([Type.Object({}, { additionalProperties: true }), Type.String()], {
      description: "A policy as its file would hold it: the object, or the file's text.",
    }),
  },
  closed,
);
export type DryRunRequest = Static<typeof DryRunRequest>;

const CHANGE_DIRECTIONS = ["stricter", "laxer", "mixed"] as const;

export const DryRunView = Type.Object({
  valid: Type.Boolean(),
  /** `/pointer: what is wrong`; the policy would be refused for each. */
  problems: Type.Optional(Type.Array(Type.String())),
  /** It would be taken, but a person should look at these. */
  warnings: Type.Optional(Type.Array(Type.String())),
  /** Of the policy in force, and the one proposed where it is valid. */
  digests: Type.Object({ before: Type.String(), after: Type.Optional(Type.String()) }),
  /** Plans decided anew, newest first, and those left out: too large, or of an action that is gone. */
  checked: Count,
  skipped: Count,
  /** Whether all of the last 1,000 plans were looked at in the time there is. */
  complete: Type.Boolean(),
  /** Newest first, at most 200; the counts are of all. */
  changed: Type.Array(
    Type.Object({
      task_id: TaskId,
      /** From 0. */
      step: Count,
      key_id: Type.String(),
      action: Type.String(),
      summary: Type.String(),
      planned_at: Time,
      before: DecisionView,
      after: DecisionView,
      direction: Type.Enum([...CHANGE_DIRECTIONS]),
      /** The rule of the proposed policy that decides. */
      rule: Type.String(),
    }),
  ),
  counts: Type.Object({
    steps: Count,
    unchanged: Count,
    stricter: Count,
    laxer: Count,
    mixed: Count,
    /** Steps that would be denied, and were not. */
    newly_denied: Count,
    /** Steps that would run without a person, and did not. */
    newly_unattended: Count,
  }),
});
export type DryRunView = Static<typeof DryRunView>;

/** How the audit log's chain is, as last verified in the background. */
export const VerificationView = Type.Object({
  /** True only where every record up to `checked` is as it was sealed. */
  ok: Type.Boolean(),
  /** `checking`: no verification has finished since the start. */
  state: Type.Enum(["checking", "sound", "broken"]),
  /** Records found sound, of the verification that finished last, or so far. */
  checked: Count,
  /** The newest record when asked. */
  head: Type.Object({ seq: Type.Integer(), mac: Type.String() }),
  /** When the last verification finished. */
  at: Type.Optional(Time),
  problem: Type.Optional(
    Type.Object({ seq: Type.Integer(), kind: Type.String(), detail: Type.String() }),
  ),
  /** One is under way. */
  running: Type.Boolean(),
});
export type VerificationView = Static<typeof VerificationView>;

const Nullable = (item: "action" | "desktop") =>
  Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: `null: every ${item}`,
  });

const KEY_SOURCES = ["environment", "file", "console"] as const;

export const KeyView = Type.Object({
  id: Type.String(),
  scheme: Type.Enum([...SCHEMES]),
  scopes: Type.Array(Type.Enum([...SCOPES])),
  capabilities: Nullable("action"),
  desktops: Nullable("desktop"),
  trusted_approval_surface: Type.Boolean(),
  source: Type.Enum([...KEY_SOURCES]),
  /** Where it stands, of keys that are not changed here: `SHARED_SECRET`, `clients.json /clients/0`. */
  place: Type.Optional(Type.String()),
  /** Why a key of the console does not count. */
  problem: Type.Optional(Type.String()),
  created_at: Type.Optional(Time),
  created_by: Type.Optional(Type.String()),
  last_used_at: Type.Optional(Time),
  /** When the key ends by itself. */
  expires_at: Type.Optional(Time),
  /** Of keys of the console, newest first: two while an overlap lasts. */
  tokens: Type.Optional(
    Type.Array(
      Type.Object({
        created_at: Time,
        last_used_at: Type.Optional(Time),
        /** When this token ends because the key was rotated. */
        expires_at: Type.Optional(Time),
      }),
    ),
  ),
});
export type KeyView = Static<typeof KeyView>;

export const KeyList = Type.Object({ keys: Type.Array(KeyView) });
export type KeyList = Static<typeof KeyList>;

export const CreateKeyRequest = Type.Object(
  {
    id: KeyId,
    scopes: Type.Array(Type.Enum([...SCOPES]), {
      minItems: 1,
      uniqueItems: true,
      description: "confirm never stands beside plan or execute",
    }),
    capabilities: Type.Optional(
      Type.Array(Action, { maxItems: 100, uniqueItems: true, description: "absent: every action" }),
    ),
    desktops: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        maxItems: 100,
        uniqueItems: true,
        description: "absent: every desktop",
      }),
    ),
    trusted_approval_surface: Type.Optional(Type.Boolean()),
    expires_in_days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3650, description: "absent: until it is revoked" }),
    ),
  },
  closed,
);
export type CreateKeyRequest = Static<typeof CreateKeyRequest>;

/** The token is told this once. */
export const NewKeyView = Type.Object({ id: Type.String(), token: Type.String(), key: KeyView });
export type NewKeyView = Static<typeof NewKeyView>;

export const RotateKeyRequest = Type.Object(
  {
    overlap_minutes: Type.Integer({
      minimum: 0,
      maximum: 43_200,
      description: "how long the old token still counts; 0: it ends at once",
    }),
  },
  closed,
);
export type RotateKeyRequest = Static<typeof RotateKeyRequest>;

export const KeyParams = Type.Object({ key_id: KeyId });
export const RevokedKeyView = Type.Object({ id: Type.String(), revoked: Type.Literal(true) });

export const StatisticsQuery = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 90, default: 14, description: "up to today, UTC" }),
    ),
  },
  closed,
);

/** How long people took, from the plan to their decision. Quantiles are off by 5 % at most. */
const Durations = Type.Object({
  count: Count,
  p50_s: Type.Optional(Seconds),
  p95_s: Type.Optional(Seconds),
  max_s: Type.Optional(Seconds),
});

export const StatisticsView = Type.Object({
  /** Days, oldest first, those without anything included. */
  tasks: Type.Array(
    Type.Object({
      day: Type.String({ description: "YYYY-MM-DD, UTC" }),
      planned: Count,
      completed: Count,
      failed: Count,
      rejected: Count,
      expired: Count,
      cancelled: Count,
      interrupted: Count,
    }),
  ),
  decisions: Type.Array(Type.Object({ day: Type.String(), approved: Count, rejected: Count })),
  waiting: Durations,
  /** Most decisions first. */
  approvers: Type.Array(
    Type.Object({
      key_id: Type.String(),
      name: Type.Optional(Type.String()),
      decisions: Count,
      median_s: Type.Optional(Seconds),
      fastest_s: Type.Optional(Seconds),
      /** Approvals, not rejections, less than two seconds after the plan was made. */
      under_two_seconds: Count,
    }),
  ),
  /** Whether everything recorded is counted; else it is being caught up with: ask again. */
  complete: Type.Boolean(),
  /** Of the newest record that is counted. */
  up_to: Type.Optional(Time),
});
export type StatisticsView = Static<typeof StatisticsView>;
