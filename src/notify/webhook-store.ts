import type { AuditDraft } from "../contract/audit.ts";
import type { Notice } from "../contract/webhook.ts";

/** A notification on its way to one endpoint. */
export interface Delivery {
  /** The webhook id: the same in every attempt. */
  readonly id: string;
  readonly endpoint: string;
  readonly notice: Notice;
  /** Attempts so far. */
  readonly attempts: number;
  /** ms since the epoch: when its time began. */
  readonly since: number;
  /** ms since the epoch: not before this. */
  readonly nextAt: number;
}

export interface NewDelivery {
  readonly id: string;
  readonly notice: Notice;
  /** ms since the epoch */
  readonly since: number;
}

export interface FailedRow {
  readonly id: string;
  readonly endpoint: string;
  readonly notice: Notice;
  readonly attempts: number;
  /** ISO 8601, UTC. */
  readonly failedAt: string;
  readonly problem: string;
}

export interface Place {
  /** Records of the log up to this seq are dealt with. */
  readonly after: number;
  /** Digest of the URL that answered 410; null: none has. */
  readonly goneUrl: string | null;
}

/**
 * What is to be delivered, and how far each endpoint has come in the log. Every method that writes is
 * durable when it resolves and rejects with `audit_unavailable` (and nothing written) when the disk
 * refuses. Reads see committed state only.
 */
export interface WebhookStore {
  /** By endpoint id. */
  places(): Promise<ReadonlyMap<string, Place>>;
  setPlace(endpoint: string, place: Place): Promise<void>;
  /** Forgets an endpoint's place; its deliveries count as failed with `problem` at `failedAt`. */
  removeEndpoint(endpoint: string, failedAt: string, problem: string): Promise<void>;
  /** Adds deliveries in this order and moves the endpoint's place to `after`, both or neither. */
  enqueue(endpoint: string, after: number, deliveries: readonly NewDelivery[]): Promise<void>;
  /** The oldest delivery that is on its way. */
  next(endpoint: string): Promise<Delivery | undefined>;
  /** Deliveries on their way. */
  waiting(endpoint: string): Promise<number>;
  /** It has arrived: nothing of it is kept. */
  remove(id: string): Promise<void>;
  postpone(id: string, attempts: number, nextAt: number): Promise<void>;
  fail(id: string, attempts: number, failedAt: string, problem: string): Promise<void>;
  /** All that is on its way to an endpoint counts as failed. */
  failAll(endpoint: string, failedAt: string, problem: string): Promise<void>;
  /** Newest first. */
  failed(limit: number): Promise<FailedRow[]>;
  /**
   * Failed deliveries of these endpoints, or the one of this id, are on their way again in their old
   * order, their time beginning at `now` (ms since the epoch). Says which endpoints they are for, one
   * entry a delivery. Where there are any, `record` of how many is committed with it.
   */
  retry(
    endpoints: readonly string[],
    now: number,
    record: (retried: number) => AuditDraft,
    id?: string,
  ): Promise<string[]>;
  /** Forgets what failed before `time` (ISO 8601), and beyond the newest `keep`. */
  prune(time: string, keep: number): Promise<void>;
}
