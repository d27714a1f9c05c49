import Type, { type Static } from "typebox";
import { RiskLevel } from "./policy.ts";
import { TaskId } from "./task.ts";

/** What notifications tell of: a task that waits for a person, and every way a task ends. */
export const WEBHOOK_EVENTS = [
  "task.awaiting_confirmation",
  "task.completed",
  "task.failed",
  "task.cancelled",
  "task.interrupted",
  "task.rejected",
  "task.expired",
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** How a notification is written: for programs, for the ntfy app, for a Slack channel. */
export const WEBHOOK_FORMATS = ["standard", "ntfy", "slack"] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** An endpoint as the operator configured it. Holds secrets, of which its URL may be one. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly format: WebhookFormat;
  /** Each `whsec_…`; every one signs, so that they can be exchanged without a gap. */
  readonly secrets: readonly string[];
  /** Sent as `Authorization: Bearer`. */
  readonly token: string | undefined;
  readonly events: readonly WebhookEvent[];
  /** Ids of the keys whose tasks are told of; null: everyone's. */
  readonly keys: readonly string[] | null;
}

/** A notification: what is told, without a parameter, a result or a preview. */
export const Notice = Type.Object({
  type: Type.Enum([...WEBHOOK_EVENTS]),
  timestamp: Type.String({ format: "date-time", description: "when it happened" }),
  task_id: TaskId,
  summary: Type.String({ description: "what the task does, sensitive text masked" }),
  risk: RiskLevel,
  requester: Type.String({ description: "the key that planned it" }),
  expires_at: Type.String({ format: "date-time", description: "when the plan's time is over" }),
});
export type Notice = Static<typeof Notice>;

const DeliveryId = Type.String({ pattern: "^msg_[A-Za-z0-9_-]{22}$" });
const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC" });

export const EndpointView = Type.Object({
  id: Type.String(),
  host: Type.String({ description: "host of the URL, whose path may be a secret" }),
  format: Type.Enum([...WEBHOOK_FORMATS]),
  events: Type.Array(Type.Enum([...WEBHOOK_EVENTS])),
  keys: Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: "keys whose tasks are told of; null: everyone's",
  }),
  state: Type.Enum(["ready", "retrying", "gone"], {
    description: "gone: it answered 410 and is sent nothing until its URL changes or a retry",
  }),
  waiting: Type.Integer({ description: "notifications on their way" }),
  problem: Type.Optional(Type.String({ description: "why the newest attempt failed" })),
  next_attempt_at: Type.Optional(Time),
});
export type EndpointView = Static<typeof EndpointView>;

export const FailedDelivery = Type.Object({
  id: DeliveryId,
  endpoint: Type.String(),
  type: Type.Enum([...WEBHOOK_EVENTS]),
  task_id: TaskId,
  attempts: Type.Integer(),
  failed_at: Time,
  problem: Type.String(),
});
export type FailedDelivery = Static<typeof FailedDelivery>;

/** GET /webhooks: `failed` newest first. */
export const WebhookList = Type.Object({
  endpoints: Type.Array(EndpointView),
  failed: Type.Array(FailedDelivery),
  problem: Type.Optional(
    Type.String({ description: "why webhooks.json as it stands now is not in force" }),
  ),
});
export type WebhookList = Static<typeof WebhookList>;

/** POST /webhooks/retry: one failed delivery, or without `id` all of them. */
export const RetryRequest = Type.Object(
  { id: Type.Optional(DeliveryId) },
  { additionalProperties: false },
);
export type RetryRequest = Static<typeof RetryRequest>;

export const RetryView = Type.Object({
  retried: Type.Integer({ description: "failed deliveries that are on their way again" }),
});
export type RetryView = Static<typeof RetryView>;
