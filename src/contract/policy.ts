import Type, { type Static } from "typebox";

/** Longest grant that a policy can allow. */
export const MAX_GRANT_MINUTES = 1440;

export const RISK_LEVELS = ["low", "medium", "high"] as const;
export const RiskLevel = Type.Enum([...RISK_LEVELS], {
  description: "How much harm an action can do.",
});
export type RiskLevel = (typeof RISK_LEVELS)[number];

export const CONFIRMATION_MODES = ["none", "client", "approver"] as const;
const MODES_EXPLAINED =
  "none: runs on execute. client: the signed execute call is the confirmation. approver: a person decides.";
export const ConfirmationMode = Type.Enum([...CONFIRMATION_MODES], {
  description: MODES_EXPLAINED,
});
export type ConfirmationMode = (typeof CONFIRMATION_MODES)[number];

/** From which risk on a person who approves in the console touches their passkey anew. */
export const PASSKEY_FROM = ["never", ...RISK_LEVELS] as const;
export type PasskeyFrom = (typeof PASSKEY_FROM)[number];

const closed = { additionalProperties: false } as const;
const names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { description, maxItems: 1000 });

const pixels = (minimum: number, description: string) =>
  Type.Integer({ minimum, maximum: 32_767, description: `${description}, in pixels.` });
const Region = Type.Object(
  {
    x: pixels(0, "From the left of the screen"),
    y: pixels(0, "From its top"),
    width: pixels(1, "Width"),
    height: pixels(1, "Height"),
  },
  { ...closed, description: "The part of the screen that the pointer may act in." },
);

/** Within what an agent may act by itself. What is absent has a default. */
export const EnvelopeFile = Type.Object(
  {
    actions: Type.Optional(
      Type.Array(Type.String({ pattern: "^[a-z]+(\\.[a-z_]+)?$" }), {
        description: "Actions it may take, of those the policy enables.",
        maxItems: 100,
        uniqueItems: true,
      }),
    ),
    applications: Type.Optional(names("Applications it may open.")),
    paths: Type.Optional(names("Absolute folders or files it may read and write.")),
    max_actions: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: "How many actions it may take." }),
    ),
    max_duration_s: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description: "How long it may work, in seconds.",
      }),
    ),
    region: Type.Optional(Region),
  },
  { ...closed, description: "Within what ByteBot's agent may act by itself." },
);
export type EnvelopeFile = Static<typeof EnvelopeFile>;

/** An envelope with every default filled in; without a region the whole screen. */
export type Envelope = Required<Omit<EnvelopeFile, "region">> & Pick<EnvelopeFile, "region">;

export const CapabilityPolicy = Type.Object(
  {
    enabled: Type.Boolean({ description: "Whether the action may be planned at all." }),
    risk_level: Type.Optional(RiskLevel),
    confirmation: Type.Optional(ConfirmationMode),
    approvals: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2, description: "Distinct approvers asked for." }),
    ),
    max_file_size_mb: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1024,
        description: "Largest file, in MiB; MAX_FILE_SIZE_MB stays the upper limit.",
      }),
    ),
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
    envelope: Type.Optional(EnvelopeFile),
  },
  closed,
);
export type CapabilityPolicy = Static<typeof CapabilityPolicy>;

const approvals = () => Type.Optional(Type.Integer({ minimum: 1, maximum: 2, default: 1 }));
const Approvals = Type.Object(
  { low: approvals(), medium: approvals(), high: approvals() },
  { ...closed, description: "Distinct approvers asked for at each risk." },
);
const modeAt = (risk: RiskLevel, mode: ConfirmationMode) =>
  Type.Optional(
    Type.Enum([...CONFIRMATION_MODES], {
      description: `Who confirms an action of ${risk} risk. ${MODES_EXPLAINED}`,
      default: mode,
    }),
  );
const whole = (minimum: number, maximum: number, byDefault: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, default: byDefault, description }));
const flag = (byDefault: boolean, description: string) =>
  Type.Optional(Type.Boolean({ default: byDefault, description }));

const Grants = Type.Object(
  {
    enabled: flag(
      true,
      "Whether an approver may allow one kind of file action or page, of one key, for a while.",
    ),
    max_minutes: whole(1, MAX_GRANT_MINUTES, 60, "How long such a grant may hold, in minutes."),
  },
  { ...closed, description: "What an approver may allow beforehand." },
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
          low: modeAt("low", "client"),
          medium: modeAt("medium", "approver"),
          high: modeAt("high", "approver"),
          approvals: Type.Optional(Approvals),
          passkey: Type.Optional(
            Type.Enum([...PASSKEY_FROM], {
              description:
                "From which risk on a person who approves in the console touches their passkey anew. The audit log keeps the proof.",
              default: "never",
            }),
          ),
          grants: Type.Optional(Grants),
        },
        closed,
      ),
    ),
    target_check: Type.Optional(
      Type.Object(
        {
          enabled: flag(
            true,
            "Whether a click fails with state_changed where its target no longer looks as it did when it was planned.",
          ),
          tolerance: Type.Optional(
            Type.Number({
              minimum: 0,
              maximum: 1,
              default: 0.03,
              description: "Share of the picture around the target that may have changed.",
            }),
          ),
          radius_px: whole(8, 512, 32, "How far around the target is looked at, in pixels."),
        },
        {
          ...closed,
          description: "What a person saw of a target must still be there when it is clicked.",
        },
      ),
    ),
    security: Type.Optional(
      Type.Object(
        {
          require_signature: flag(true, "Without it the gateway binds loopback only."),
          signature_tolerance_ms: whole(
            1000,
            3_600_000,
            300_000,
            "How far X-Timestamp may be off, both ways, in ms.",
          ),
          max_concurrent_tasks: whole(1, 1000, 5, "Tasks that run at the same time."),
          plan_ttl_s: whole(1, 86_400, 900, "How long a plan may be executed, in seconds."),
          max_task_duration_s: whole(1, 86_400, 300, "How long a task may run, in seconds."),
          rate_limit_per_minute: whole(1, 10_000_000, 600, "Requests a minute, for each key."),
          max_queued_tasks: whole(1, 100_000, 100, "Tasks that may wait for their turn."),
          max_pending_mb: whole(
            1,
            1_048_576,
            100,
            "What the plans of each key may take that have not begun, in MiB.",
          ),
          max_artifacts_mb: whole(
            1,
            1_048_576,
            1024,
            "What the artifacts of each key may take, in MiB; the oldest go first.",
          ),
          anonymous_events: flag(
            true,
            "Whether strangers may follow event names, task ids, times and progress.",
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type PolicyFile = Static<typeof PolicyFile>;

/** Whether and how closely the target of a click is compared with what was approved. */
export interface TargetCheck {
  readonly enabled: boolean;
  /** Share of the picture around the target that may differ, 0 to 1. */
  readonly tolerance: number;
  readonly radius_px: number;
}

/** A policy with every default filled in: what the rest of the program reads. */
export interface Policy {
  /** Every action of this version; what the file does not list is not enabled. */
  readonly capabilities: Readonly<Record<string, CapabilityPolicy>>;
  readonly confirmation: Readonly<Record<RiskLevel, ConfirmationMode>>;
  readonly approvals: Readonly<Record<RiskLevel, number>>;
  readonly passkey: PasskeyFrom;
  readonly grants: { readonly enabled: boolean; readonly max_minutes: number };
  readonly target_check: TargetCheck;
  readonly security: {
    readonly require_signature: boolean;
    readonly signature_tolerance_ms: number;
    readonly max_concurrent_tasks: number;
    readonly plan_ttl_s: number;
    readonly max_task_duration_s: number;
    readonly rate_limit_per_minute: number;
    readonly max_queued_tasks: number;
    readonly max_pending_mb: number;
    readonly max_artifacts_mb: number;
    readonly anonymous_events: boolean;
  };
  /** `sha256:` of the canonical policy: names it in audit records. */
  readonly digest: string;
  /**
   * Where the gateway and ByteBot listen: refused to every URL. Not from the file and not part of
   * the digest. Absent: unknown, then no URL to this machine is allowed at all.
   */
  readonly own_hosts?: readonly ProtectedHost[];
}

/** A place where the gateway or ByteBot listens. Its port is refused on every local host name too. */
export interface ProtectedHost {
  /** Name or address as in a URL; `0.0.0.0` and `::` stand for every address of the machine. */
  readonly host: string;
  readonly port: number;
}
