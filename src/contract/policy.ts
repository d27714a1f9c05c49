import Type, { type Static } from "typebox";

export const RISK_LEVELS = ["low", "medium", "high"] as const;
export const RiskLevel = Type.Enum([...RISK_LEVELS], {
  description: "How much harm an action can do.",
});
export type RiskLevel = (typeof RISK_LEVELS)[number];

export const CONFIRMATION_MODES = ["none", "client", "approver"] as const;
export const ConfirmationMode = Type.Enum([...CONFIRMATION_MODES], {
  description:
    "none: runs on execute. client: the signed execute call is the confirmation. approver: a person decides.",
});
export type ConfirmationMode = (typeof CONFIRMATION_MODES)[number];

const closed = { additionalProperties: false } as const;
const names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { description, maxItems: 1000 });

export const CapabilityPolicy = Type.Object(
  {
    enabled: Type.Boolean({ description: "Whether the action may be planned at all." }),
    risk_level: Type.Optional(RiskLevel),
    confirmation: Type.Optional(ConfirmationMode),
    approvals: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2, description: "Distinct approvers asked for." }),
    ),
    max_file_size_mb: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1024 })),
    allowed_paths: Type.Optional(names("Absolute folders or files; matched on whole components.")),
    allowed_extensions: Type.Optional(
      Type.Array(Type.String({ pattern: "^\\.[^/\\x00-\\x1f]{1,32}$" }), {
        description: "File name endings, each with its dot.",
        maxItems: 200,
      }),
    ),
    allowed_domains: Type.Optional(
      names(
        "Host names; *.example.com is subdomains only; host:8080 or host:* allows other ports.",
      ),
    ),
    allowed_commands: Type.Optional(
      names('Commands by their leading words: "git status" allows git status and its arguments.'),
    ),
    allowed_apps: Type.Optional(names("Applications that may be opened.")),
  },
  closed,
);
export type CapabilityPolicy = Static<typeof CapabilityPolicy>;

const Approvals = Type.Object(
  {
    low: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 })),
    medium: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 })),
    high: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 })),
  },
  closed,
);

/** `config/policy.json` as written; published as config/policy.schema.json. */
export const PolicyFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    capabilities: Type.Record(Type.String({ pattern: "^[a-z]+(\\.[a-z_]+)?$" }), CapabilityPolicy, {
      description: "What may be done. An action that is not listed is disabled.",
    }),
    confirmation: Type.Optional(
      Type.Object(
        {
          low: Type.Optional(ConfirmationMode),
          medium: Type.Optional(ConfirmationMode),
          high: Type.Optional(ConfirmationMode),
          approvals: Type.Optional(Approvals),
        },
        closed,
      ),
    ),
    security: Type.Optional(
      Type.Object(
        {
          require_signature: Type.Optional(Type.Boolean()),
          signature_tolerance_ms: Type.Optional(
            Type.Integer({ minimum: 1000, maximum: 3_600_000 }),
          ),
          max_concurrent_tasks: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          plan_ttl_s: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
          max_task_duration_s: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
          rate_limit_per_minute: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
          max_queued_tasks: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
          anonymous_events: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type PolicyFile = Static<typeof PolicyFile>;

/** A policy with every default filled in: what the rest of the program reads. */
export interface Policy {
  readonly capabilities: Readonly<Record<string, CapabilityPolicy>>;
  readonly confirmation: Readonly<Record<RiskLevel, ConfirmationMode>>;
  readonly approvals: Readonly<Record<RiskLevel, number>>;
  readonly security: {
    readonly require_signature: boolean;
    readonly signature_tolerance_ms: number;
    readonly max_concurrent_tasks: number;
    readonly plan_ttl_s: number;
    readonly max_task_duration_s: number;
    readonly rate_limit_per_minute: number;
    readonly max_queued_tasks: number;
    readonly anonymous_events: boolean;
  };
  /** `sha256:` of the canonical policy: names it in audit records. */
  readonly digest: string;
}
