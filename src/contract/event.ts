import type { TaskResult } from "./task.ts";

export const EVENT_NAMES = [
  "task_planned",
  "task_confirmed",
  "task_rejected",
  "task_expired",
  "task_queued",
  "task_started",
  "task_progress",
  "task_completed",
  "task_failed",
  "task_cancelled",
  "task_interrupted",
  "grant_created",
  "grant_ended",
  "policy_reloaded",
  "gateway_stopped",
  "gateway_resumed",
  "desktop_taken_over",
  "desktop_returned",
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** An event before the store numbers it. */
export interface EventDraft {
  readonly event: EventName;
  /** Null for events of the gateway itself. */
  readonly task_id: string | null;
  /** The key that owns the task; null: everybody sees it. Never sent. */
  readonly owner: string | null;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly data: EventData;
}

/** What an event says besides its name, task and time. Only `progress` reaches an anonymous subscriber. */
export interface EventData {
  readonly progress?: number;
  readonly message?: string;
  readonly result?: TaskResult;
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/** A committed event. `id` grows, without a promise that it is gapless. */
export interface GatewayEvent extends EventDraft {
  readonly id: number;
}
