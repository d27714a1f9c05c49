import type { AuditRecord } from "../contract/audit.ts";
import {
  type Notice,
  WEBHOOK_EVENTS,
  type WebhookEndpoint,
  type WebhookEvent,
} from "../contract/webhook.ts";
import { oneLine } from "../lib/inert.ts";
import { randomId } from "../lib/random-id.ts";
import type { NoticeLog } from "./notice-log.ts";
import type { NewDelivery, WebhookStore } from "./webhook-store.ts";

/** What is told of a task besides what happened to it. */
export interface TaskFacts {
  /** Sensitive text is masked in it. */
  readonly summary: string;
  readonly risk: Notice["risk"];
  readonly requester: string;
  /** ISO 8601, UTC. */
  readonly expires_at: string;
}

export interface CollectorDeps {
  readonly store: WebhookStore;
  readonly log: NoticeLog;
  /** undefined: the task is there no more. */
  readonly describe: (taskId: string) => Promise<TaskFacts | undefined>;
}

/** Records read at a time. */
const PAGE = 500;
/** Deliveries on their way above which the rest stays where it is, in the log. */
const MAX_WAITING = 1000;
/** Records passed over without a delivery after which the place is written down. */
const MAX_AHEAD = 1000;
/** Characters of a summary. */
const MAX_SUMMARY = 500;

/** Draws the deliveries of one endpoint from the log: each record once, in order, across restarts. */
export class Collector {
  readonly #endpoint: WebhookEndpoint;
  readonly #deps: CollectorDeps;
  readonly #events: ReadonlySet<string>;
  /** Up to where the log is dealt with; on disk it may be less, where nothing was found since. */
  #after: number;
  #written: number;

  constructor(endpoint: WebhookEndpoint, after: number, deps: CollectorDeps) {
    this.#endpoint = endpoint;
    this.#deps = deps;
    this.#events = new Set(endpoint.events);
    this.#after = after;
    this.#written = after;
  }

  /** Resolves with how many deliveries were added. */
  async collect(): Promise<number> {
    const { log, store } = this.#deps;
    const { id } = this.#endpoint;
    let added = 0;
    while ((await store.waiting(id)) < MAX_WAITING) {
      const records = await log.read(this.#after, PAGE);
      const last = records.at(-1)?.seq;
      if (last === undefined) break;
      const deliveries = await this.#deliveriesOf(records);
      if (deliveries.length > 0 || last - this.#written >= MAX_AHEAD) {
        await store.enqueue(id, last, deliveries);
        this.#written = last;
      }
      this.#after = last;
      added += deliveries.length;
    }
    return added;
  }

  async #deliveriesOf(records: readonly AuditRecord[]): Promise<NewDelivery[]> {
    const { keys } = this.#endpoint;
    const deliveries: NewDelivery[] = [];
    for (const { type, time, task_id } of records) {
      if (task_id === undefined || !this.#events.has(type) || !isWebhookEvent(type)) continue;
      const facts = await this.#deps.describe(task_id);
      // A task that retention has removed was over long ago.
      if (facts === undefined || (keys !== null && !keys.includes(facts.requester))) continue;
      const { summary, risk, requester, expires_at } = facts;
      deliveries.push({
        id: `msg_${randomId()}`,
        since: Date.parse(time),
        notice: {
          type,
          timestamp: time,
          task_id,
          summary: oneLine(summary, MAX_SUMMARY),
          risk,
          requester,
          expires_at,
        },
      });
    }
    return deliveries;
  }
}

function isWebhookEvent(type: string): type is WebhookEvent {
  return (WEBHOOK_EVENTS as readonly string[]).includes(type);
}
