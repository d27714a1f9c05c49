import { isDeepStrictEqual } from "node:util";
import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import type {
  EndpointView,
  RetryRequest,
  RetryView,
  WebhookEndpoint,
  WebhookList,
} from "../contract/webhook.ts";
import { sha256 } from "../lib/canonical.ts";
import { EndpointWorker, type WorkerDeps } from "./endpoint-worker.ts";
import type { Delivery } from "./webhook-store.ts";

export interface NotifierDeps extends Omit<WorkerDeps, "onGone"> {
  /** Why the configuration as it stands now is not in force. */
  readonly problem: () => string | undefined;
}

/** Failed deliveries that are shown, and that are kept. */
const MAX_SHOWN = 200;
const MAX_KEPT = 10_000;

/**
 * Tells the configured endpoints what became of tasks. What is to be told is drawn from the audit log
 * with a durable place for each endpoint, so that nothing is lost in a crash; it may arrive more
 * than once, always with the same webhook id.
 */
export class Notifier implements AsyncDisposable {
  readonly #deps: NotifierDeps;
  readonly #workers = new Map<string, EndpointWorker>();
  readonly #unlisten: () => void;
  #endpoints: readonly WebhookEndpoint[] = [];
  #isStarted = false;
  #isClosed = false;
  /** Changes of the endpoints happen one after the other. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(deps: NotifierDeps) {
    this.#deps = deps;
    this.#unlisten = deps.log.onCommitted(() => {
      for (const worker of this.#workers.values()) worker.wake();
    });
  }

  /** An endpoint that is new is told what happens from now on. Nothing is sent before `start`. */
  static async open(endpoints: readonly WebhookEndpoint[], deps: NotifierDeps): Promise<Notifier> {
    const notifier = new Notifier(deps);
    await notifier.replace(endpoints);
    return notifier;
  }

  /** Begins to send. */
  start(): Promise<void> {
    this.#isStarted = true;
    return this.replace(this.#endpoints);
  }

  /** Other endpoints. What is on its way to one that stays goes on; to one that is gone, it has failed. */
  replace(endpoints: readonly WebhookEndpoint[]): Promise<void> {
    const turn = this.#turn.then(() => this.#replace(endpoints));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async list(): Promise<WebhookList> {
    const { store, problem: fileProblem } = this.#deps;
    const places = await store.places();
    const problem = fileProblem();
    const endpoints = this.#endpoints.map(async (endpoint): Promise<EndpointView> => {
      const { id, url, format, events, keys } = endpoint;
      const isGone = places.get(id)?.goneUrl === digest(url);
      const next = await store.next(id);
      const problem = isGone
        ? "it answered 410"
        : (this.#workers.get(id)?.problem ?? describeAttempts(next));
      return {
        id,
        host: new URL(url).host,
        format,
        events: [...events],
        keys: keys === null ? null : [...keys],
        state: isGone ? "gone" : problem === undefined ? "ready" : "retrying",
        waiting: await store.waiting(id),
        ...(problem !== undefined && { problem }),
        ...(problem !== undefined &&
          next !== undefined && { next_attempt_at: new Date(next.nextAt).toISOString() }),
      };
    });
    const failed = (await store.failed(MAX_SHOWN)).map((row) => ({
      id: row.id,
      endpoint: row.endpoint,
      type: row.notice.type,
      task_id: row.notice.task_id,
      attempts: row.attempts,
      failed_at: row.failedAt,
      problem: row.problem,
    }));
    return {
      endpoints: await Promise.all(endpoints),
      failed,
      ...(problem !== undefined && { problem }),
    };
  }

  /**
   * Sends what has failed anew, to an endpoint that was gone too, and records which key asked.
   * Throws `not_found`.
   */
  async retry(keyId: string, { id }: RetryRequest): Promise<RetryView> {
    const { store } = this.#deps;
    const configured = this.#endpoints.map((endpoint) => endpoint.id);
    const now = new Date();
    const record = (retried: number): AuditDraft => ({
      type: "webhooks.retried",
      key_id: keyId,
      time: now.toISOString(),
      details: { retried, ...(id !== undefined && { id }) },
    });
    const retried = await store.retry(configured, now.getTime(), record, id);
    if (id !== undefined && retried.length === 0) {
      throw new GatewayError("not_found", `No notification ${id} has failed.`, {
        hint: "GET /webhooks lists those that have. Its endpoint must still be configured.",
      });
    }
    const places = await store.places();
    for (const endpoint of new Set(retried)) {
      const place = places.get(endpoint);
      if (place !== undefined && place.goneUrl !== null) await this.#revive(endpoint);
    }
    await this.replace(this.#endpoints);
    for (const endpoint of retried) this.#workers.get(endpoint)?.wake();
    return { retried: retried.length };
  }

  /** Forgets what failed before `time` (ISO 8601). */
  prune(time: string): Promise<void> {
    return this.#deps.store.prune(time, MAX_KEPT);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#unlisten();
    await this.#turn;
    await Promise.all([...this.#workers.values()].map((worker) => worker[Symbol.asyncDispose]()));
    this.#workers.clear();
  }

  async #replace(endpoints: readonly WebhookEndpoint[]): Promise<void> {
    if (this.#isClosed) return;
    const { store } = this.#deps;
    this.#endpoints = endpoints;
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    for (const [id, worker] of this.#workers) {
      if (isDeepStrictEqual(wanted.get(id), worker.endpoint)) continue;
      this.#workers.delete(id);
      await worker[Symbol.asyncDispose]();
    }
    for (const id of (await store.places()).keys()) {
      if (wanted.has(id)) continue;
      await store.removeEndpoint(id, new Date().toISOString(), "the endpoint was removed");
    }
    for (const endpoint of endpoints) await this.#open(endpoint);
  }

  async #open(endpoint: WebhookEndpoint): Promise<void> {
    const { id, url } = endpoint;
    const place = (await this.#deps.store.places()).get(id);
    if (this.#workers.has(id) || place?.goneUrl === digest(url)) return;
    // What happened while there was nobody to tell is not told later.
    const after =
      place === undefined || place.goneUrl !== null ? await this.#revive(id) : place.after;
    if (!this.#isStarted) return;
    const onGone = (gone: WebhookEndpoint) => this.#close(gone);
    this.#workers.set(id, new EndpointWorker(endpoint, after, { ...this.#deps, onGone }));
  }

  /** The endpoint's place becomes the end of the log. */
  async #revive(id: string): Promise<number> {
    const { seq } = await this.#deps.log.head();
    await this.#deps.store.setPlace(id, { after: seq, goneUrl: null });
    return seq;
  }

  async #close({ id, url }: WebhookEndpoint): Promise<void> {
    const { store, log } = this.#deps;
    await store.failAll(id, new Date().toISOString(), "the endpoint is gone");
    await store.setPlace(id, { after: (await log.head()).seq, goneUrl: digest(url) });
    this.#workers.delete(id);
  }
}

/** A URL may be a secret: what is kept of it gives none away. */
function digest(url: string): string {
  return sha256(url);
}

/** After a restart that attempts failed is known, but not why. */
function describeAttempts(next: Delivery | undefined): string | undefined {
  return next?.attempts ? `attempts that failed: ${next.attempts}` : undefined;
}
