import { setTimeout as sleep } from "node:timers/promises";
import type { WebhookEndpoint } from "../contract/webhook.ts";
import { backoff, GIVE_UP_MS } from "./backoff.ts";
import { Collector, type CollectorDeps } from "./collector.ts";
import { writeMessage } from "./message.ts";
import { type Outcome, Sender } from "./sender.ts";
import { Signal } from "./signal.ts";
import type { Delivery } from "./webhook-store.ts";

/** The part of a pino logger that is used. */
export interface NotifyLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface WorkerDeps extends CollectorDeps {
  /** The page that opens the plan for an approver. */
  readonly linkTo: (taskId: string) => string;
  readonly logger: NotifyLog;
  /** The endpoint answered 410: its deliveries have failed and the worker has ended. */
  readonly onGone: (endpoint: WebhookEndpoint) => Promise<void>;
  /** ms for one attempt. */
  readonly attemptMs?: number;
}

/** ms in which records that are committed one after the other are drawn together. */
const GATHER_MS = 20;
/** A new notification is reason to try an endpoint that fails anew, this many ms after the last attempt. */
const PROBE_MS = 60_000;
/** ms between looks without a reason, and after the store has failed. */
const IDLE_MS = 60 * 60_000;
const TROUBLE_MS = 5_000;

/**
 * Delivers to one endpoint, one notification at a time and in order: the oldest is tried until it
 * arrives, is refused, or its time is over. Whatever the endpoint does holds up this worker alone.
 */
export class EndpointWorker implements AsyncDisposable {
  readonly endpoint: WebhookEndpoint;
  readonly #deps: WorkerDeps;
  readonly #collector: Collector;
  readonly #sender: Sender;
  readonly #signal = new Signal();
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #problem: string | undefined;
  /** ms since the epoch */
  #lastAttempt = 0;
  /** Something was added since the last attempt. */
  #hasNew = false;

  constructor(endpoint: WebhookEndpoint, after: number, deps: WorkerDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
    this.#collector = new Collector(endpoint, after, deps);
    this.#sender = new Sender(endpoint.url, deps.attemptMs);
    this.#ended = this.#run();
  }

  /** Why the newest attempt failed; undefined after one that did not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** There may be something new to do. */
  wake(): void {
    this.#signal.ring();
  }

  /** Ends an attempt that is under way; whether it arrived is not known, so it is made again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#signal.ring();
    await this.#ended;
  }

  async #run(): Promise<void> {
    await using _sender = this.#sender;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const wait = await this.#step();
        if (wait === "gone") return;
        if (wait > 0 && (await this.#signal.wait(wait)) && !signal.aborted) {
          await pause(GATHER_MS, signal);
        }
      } catch (err) {
        if (signal.aborted) return;
        const { id } = this.endpoint;
        this.#deps.logger.error({ err, endpoint: id }, "notifications are held up");
        await pause(TROUBLE_MS, signal);
      }
    }
  }

  /** Draws what is new and makes one attempt where one is due; resolves with the ms to wait before the next step. */
  async #step(): Promise<number | "gone"> {
    const { store } = this.#deps;
    if ((await this.#collector.collect()) > 0) this.#hasNew = true;
    const delivery = await store.next(this.endpoint.id);
    if (delivery === undefined) return IDLE_MS;
    const now = Date.now();
    const probeAt = this.#hasNew ? this.#lastAttempt + PROBE_MS : Number.POSITIVE_INFINITY;
    const wait = Math.min(delivery.nextAt, probeAt) - now;
    if (wait > 0) return Math.min(wait, IDLE_MS);
    if (this.#problem !== undefined && now - delivery.since > GIVE_UP_MS) {
      await this.#giveUp(delivery, delivery.attempts, this.#problem);
      return 0;
    }
    return this.#attempt(delivery);
  }

  async #attempt(delivery: Delivery): Promise<number | "gone"> {
    const { linkTo } = this.#deps;
    const { id, notice } = delivery;
    this.#lastAttempt = Date.now();
    this.#hasNew = false;
    const message = writeMessage(this.endpoint, {
      id,
      notice,
      link: linkTo(notice.task_id),
      now: new Date(),
    });
    const outcome = await this.#sender.send(message, this.#stopping.signal);
    this.#problem = outcome.kind === "delivered" ? undefined : outcome.problem;
    return this.#settle(delivery, outcome);
  }

  async #settle(delivery: Delivery, outcome: Outcome): Promise<number | "gone"> {
    const { store, logger, onGone } = this.#deps;
    const { id, notice } = delivery;
    const attempts = delivery.attempts + 1;
    const fields = { endpoint: this.endpoint.id, webhook_id: id, task_id: notice.task_id };
    if (outcome.kind === "delivered") {
      await store.remove(id);
      logger.debug({ ...fields, attempts }, "notification delivered");
      return 0;
    }
    const { problem } = outcome;
    if (outcome.kind === "gone") {
      await store.fail(id, attempts, new Date().toISOString(), problem);
      await onGone(this.endpoint);
      logger.warn({ ...fields, problem }, "endpoint is gone; it is sent nothing more");
      return "gone";
    }
    if (outcome.kind === "refused" || Date.now() - delivery.since > GIVE_UP_MS) {
      await this.#giveUp(delivery, attempts, problem);
      return 0;
    }
    const retryAfterMs = outcome.kind === "retry" ? outcome.retryAfterMs : 0;
    const wait = backoff(attempts, retryAfterMs);
    await store.postpone(id, attempts, Math.ceil(Date.now() + wait));
    logger.warn({ ...fields, attempts, problem }, "notification not delivered; it is tried again");
    return wait;
  }

  async #giveUp({ id, notice }: Delivery, attempts: number, problem: string): Promise<void> {
    const { store, logger } = this.#deps;
    await store.fail(id, attempts, new Date().toISOString(), problem);
    const fields = { endpoint: this.endpoint.id, webhook_id: id, task_id: notice.task_id };
    logger.error({ ...fields, attempts, problem }, "notification failed");
  }
}

/** Ends early with the signal. Keeps no process alive. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
}
