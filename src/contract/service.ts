import Type, { type Static } from "typebox";
import { ConfirmationMode, RiskLevel } from "./policy.ts";
import { PlanRequest } from "./task.ts";

export const HealthView = Type.Object({
  status: Type.Literal("healthy"),
  service: Type.Literal("bytebot-gateway"),
  version: Type.String(),
});

export type HealthView = Static<typeof HealthView>;

export const ReadyPart = Type.Object({
  ok: Type.Boolean(),
  degraded: Type.Optional(
    Type.Array(Type.String(), { description: "desktops that do not answer, while others do" }),
  ),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
});
export type ReadyPart = Static<typeof ReadyPart>;

export const ReadyView = Type.Object({
  ready: Type.Boolean(),
  parts: Type.Object({
    store: ReadyPart,
    audit: ReadyPart,
    driver: ReadyPart,
    policy: ReadyPart,
    stopped: ReadyPart,
  }),
});
export type ReadyView = Static<typeof ReadyView>;

/** The seed's shape; the optional part is for a principal. */
export const CapabilityView = Type.Object({
  enabled: Type.Boolean(),
  risk_level: RiskLevel,
  description: Type.String(),
  /** Why it is not enabled. */
  reason: Type.Optional(Type.String()),
  parameters: Type.Optional(Type.Unknown({ description: "JSON Schema" })),
  confirmation: Type.Optional(ConfirmationMode),
  limits: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  desktops: Type.Optional(
    Type.Array(Type.String(), { description: "those of this key that perform it" }),
  ),
});
export type CapabilityView = Static<typeof CapabilityView>;

export const CapabilitiesView = Type.Object({
  capabilities: Type.Record(Type.String(), CapabilityView),
});
export type CapabilitiesView = Static<typeof CapabilitiesView>;

/** RFC 9457; `code` names the error for programs, `hint` says how to change it. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
  hint: Type.Optional(Type.String()),
  retry_after: Type.Optional(Type.Number()),
  allowed_paths: Type.Optional(Type.Array(Type.String())),
  allowed_domains: Type.Optional(Type.Array(Type.String())),
  allowed_commands: Type.Optional(Type.Array(Type.String())),
  allowed_apps: Type.Optional(Type.Array(Type.String())),
  /** With `task_rejected`: what the approver proposes instead, and where one is too large, its task. */
  proposal: Type.Optional(PlanRequest),
  proposal_url: Type.Optional(Type.String()),
  request_id: Type.Optional(Type.String()),
});
export type Problem = Static<typeof Problem>;
