/**
 * A typed client of the gateway that signs its requests: `import { GatewayClient } from
 * "bytebot-gateway/client"`. It needs Node's own `fetch` and `node:crypto`, nothing else, and is a
 * worked example of the signing scheme (`sign.ts`) for clients in other languages.
 */
import { randomUUID } from "node:crypto";
import type { AuditList, AuditQuery } from "../contract/audit.ts";
import type { GrantList, GrantView } from "../contract/grant.ts";
import type {
  ConfirmRequest,
  ExecuteRequest,
  ExecuteView,
  PlanRequest,
  StopView,
  TaskList,
  TaskListQuery,
} from "../contract/requests.ts";
import type { CapabilitiesView, HealthView, ReadyView } from "../contract/service.ts";
import type { PlanView, TaskView } from "../contract/task.ts";
import type { RetryView, WebhookList } from "../contract/webhook.ts";
import { type ClientEvent, type SubscribeOptions, subscribe } from "./subscribe.ts";
import { type Credential, Transport } from "./transport.ts";

export type { AuditList, AuditQuery, AuditRecord } from "../contract/audit.ts";
export type { ErrorCode, TaskErrorCode } from "../contract/errors.ts";
export type { EventName } from "../contract/event.ts";
export type { GrantList, GrantView } from "../contract/grant.ts";
export type { ConfirmationMode, RiskLevel } from "../contract/policy.ts";
export type {
  ConfirmRequest,
  ExecuteRequest,
  ExecuteView,
  PlanRequest,
  StepRequest,
  StopView,
  TaskList,
  TaskListQuery,
} from "../contract/requests.ts";
export type {
  CapabilitiesView,
  CapabilityView,
  HealthView,
  Problem,
  ReadyPart,
  ReadyView,
} from "../contract/service.ts";
export type {
  ApprovalView,
  ArtifactView,
  Parameters,
  PlanView,
  Preview,
  StepView,
  TaskError,
  TaskResult,
  TaskStatus,
  TaskView,
} from "../contract/task.ts";
export type {
  EndpointView,
  FailedDelivery,
  RetryView,
  WebhookEvent,
  WebhookList,
} from "../contract/webhook.ts";
export { GatewayRequestError, type TransportErrorCode } from "./request-error.ts";
export type { ClientEvent, SubscribeOptions } from "./subscribe.ts";

export interface GatewayClientOptions {
  /** Where the gateway is, e.g. `http://127.0.0.1:8089`; a path is kept as a prefix. */
  readonly url: string | URL;
  /** Id of the signing key; `default` where absent. */
  readonly keyId?: string | undefined;
  /** Secret of the signing key. Give this or `token`; with neither, only open routes answer. */
  readonly secret?: string | undefined;
  /** Bearer token, in place of signatures. */
  readonly token?: string | undefined;
  /** In place of the global `fetch`, e.g. one with a proxy. */
  readonly fetch?: typeof fetch | undefined;
  /** How long an answer may take, ms; 30,000 where absent. `execute` adds its own wait. */
  readonly timeoutMs?: number | undefined;
  /** How often a request that is safe to repeat is sent again; 2 where absent. */
  readonly retries?: number | undefined;
}

/** What every call takes besides its own. */
export interface CallOptions {
  /** Aborts the request; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface EventsOptions extends SubscribeOptions {
  /** Only this task's events. */
  readonly taskId?: string | undefined;
  /** Events after this id; 0: all there are. Absent: from now on. */
  readonly since?: number | undefined;
}

export interface FollowOptions extends SubscribeOptions {
  /** Called with each event of the task, past ones first. */
  readonly onEvent?: ((event: ClientEvent) => void) | undefined;
}

export interface RunOptions extends FollowOptions {
  /** Shown the plan before anything runs; anything but true cancels the task. */
  readonly confirm: (plan: PlanView) => boolean | Promise<boolean>;
  /** Called with the answer to execute: whether it runs or awaits an approver. */
  readonly onExecute?: ((view: ExecuteView) => void) | undefined;
}

/** Bytes of an artifact. Read the body once: as a stream or as bytes. */
export interface ArtifactContent {
  readonly mediaType: string;
  /** bytes; undefined where the answer does not say. */
  readonly size: number | undefined;
  readonly stream: ReadableStream<Uint8Array>;
  bytes(): Promise<Uint8Array>;
}

/** Statuses a task does not leave. */
export const FINISHED_STATUSES: ReadonlySet<string> = new Set([
  "completed",
  "failed",
  "cancelled",
  "interrupted",
  "rejected",
  "expired",
]);

/** The events that come with these statuses. */
const LAST_EVENTS: ReadonlySet<string> = new Set(
  [...FINISHED_STATUSES].map((status) => `task_${status}`),
);

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Plans, confirms and executes on a gateway, as one key.
 *
 * Every method resolves with the gateway's answer in the shape of its API and rejects with a
 * {@link GatewayRequestError}, whose `code` is the gateway's or `unreachable`, `timed_out`,
 * `unexpected_answer`. Times are ISO 8601 in UTC, sizes bytes, durations named in seconds or ms.
 * Only requests that have no effect a second time are sent again by itself: every GET, and `plan`,
 * which carries an `Idempotency-Key`.
 *
 * @example
 * ```ts
 * const client = new GatewayClient({
 *   url: "http://127.0.0.1:8089",
 *   secret: process.env.SHARED_SECRET,
 * });
 * const task = await client.run(
 *   { action: "fs.read", parameters: { path: "/tmp/test.txt" } },
 *   {
 *     confirm: (plan) => plan.estimated_risk === "low",
 *     onEvent: (event) => console.log(event.event, event.progress ?? ""),
 *   },
 * );
 * console.log(task.status, task.result ?? task.error);
 * ```
 */
export class GatewayClient {
  /** The gateway's address as given. */
  readonly url: string;
  readonly #transport: Transport;
  readonly #timeoutMs: number;

  /** Throws TypeError for a URL that is not http(s), and when both `secret` and `token` are given. */
  constructor(options: GatewayClientOptions) {
    const base = new URL(options.url);
    if (base.protocol !== "http:" && base.protocol !== "https:") {
      throw new TypeError(`the gateway's URL must be http or https, not ${base.protocol}`);
    }
    this.url = base.href;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#transport = new Transport({
      base,
      credential: credentialOf(options),
      fetch: options.fetch ?? fetch,
      timeoutMs: this.#timeoutMs,
      retries: options.retries ?? 2,
    });
  }

  /** `GET /health`: whether the process lives. */
  health(options: CallOptions = {}): Promise<HealthView> {
    return this.#get("/health", {}, options);
  }

  /** `GET /ready`: whether it can work, part by part. Resolves also where it is not ready. */
  ready(options: CallOptions = {}): Promise<ReadyView> {
    return this.#transport.json(
      { method: "GET", path: "/ready", repeatable: false, signal: options.signal },
      [503],
    );
  }

  /** `GET /capabilities`: every action, whether it is enabled, its parameters as JSON Schema. */
  capabilities(options: CallOptions = {}): Promise<CapabilitiesView> {
    return this.#get("/capabilities", {}, options);
  }

  /**
   * `POST /plan`: one action, or several steps in order. Nothing runs. The answer says what would,
   * how risky it is and who must confirm.
   *
   * @param options.idempotencyKey The same key and request give the same task; random where
   *   absent, which makes the retries of one call safe.
   */
  plan(
    request: PlanRequest,
    options: CallOptions & { idempotencyKey?: string | undefined } = {},
  ): Promise<PlanView> {
    return this.#transport.json({
      method: "POST",
      path: "/plan",
      body: request,
      headers: { "idempotency-key": options.idempotencyKey ?? randomUUID() },
      repeatable: true,
      signal: options.signal,
    });
  }

  /**
   * `POST /confirm`: an approver's decision on exactly the plan that has this digest. Needs a key
   * with the scope `confirm`. A digest other than the task's is refused with `digest_mismatch`.
   */
  confirm(request: ConfirmRequest, options: CallOptions = {}): Promise<TaskView> {
    return this.#post("/confirm", request, options);
  }

  /**
   * `POST /execute`: starts a planned task, once; executing it again answers its present state.
   *
   * @param options.wait Seconds (0 to 300) to wait for its end. The answer then has `result`,
   *   `error` and `artifacts` if it finished in time; a failed task is an answer, not a rejection.
   */
  execute(
    request: ExecuteRequest,
    options: CallOptions & { wait?: number | undefined } = {},
  ): Promise<ExecuteView> {
    return this.#transport.json({
      method: "POST",
      path: "/execute",
      query: { wait: options.wait },
      body: request,
      repeatable: false,
      timeoutMs: this.#timeoutMs + (options.wait ?? 0) * 1000,
      signal: options.signal,
    });
  }

  /** `GET /tasks/{id}`: the plan and all that became of it. */
  task(taskId: string, options: CallOptions = {}): Promise<TaskView> {
    return this.#get(`/tasks/${encodeURIComponent(taskId)}`, {}, options);
  }

  /** `GET /tasks`: newest first, a page at a time; `next_cursor` is the next page's `cursor`. */
  tasks(query: TaskListQuery = {}, options: CallOptions = {}): Promise<TaskList> {
    return this.#get("/tasks", query, options);
  }

  /** `POST /tasks/{id}/cancel`: ends it, whether it runs or waits. */
  cancel(taskId: string, options: CallOptions = {}): Promise<TaskView> {
    return this.#post(`/tasks/${encodeURIComponent(taskId)}/cancel`, undefined, options);
  }

  /** `POST /tasks/{id}/messages`: a word to the agent that works on it. Needs `confirm`. */
  sendMessage(taskId: string, message: string, options: CallOptions = {}): Promise<TaskView> {
    return this.#post(`/tasks/${encodeURIComponent(taskId)}/messages`, { message }, options);
  }

  /** `POST /tasks/{id}/takeover`: the agent can do nothing until the desktop is given back. */
  takeOver(taskId: string, options: CallOptions = {}): Promise<TaskView> {
    return this.#post(`/tasks/${encodeURIComponent(taskId)}/takeover`, undefined, options);
  }

  /** `POST /tasks/{id}/resume`: the agent goes on. */
  giveBack(taskId: string, options: CallOptions = {}): Promise<TaskView> {
    return this.#post(`/tasks/${encodeURIComponent(taskId)}/resume`, undefined, options);
  }

  /** `POST /stop`: cancels everything and refuses new work until resumed. Needs `confirm`. */
  stop(reason?: string, options: CallOptions = {}): Promise<StopView> {
    return this.#post("/stop", reason === undefined ? undefined : { reason }, options);
  }

  /** `POST /resume`: takes work again. Needs `confirm`. */
  resume(options: CallOptions = {}): Promise<StopView> {
    return this.#post("/resume", undefined, options);
  }

  /** `GET /audit`: a page of the audit log, oldest first. Needs `confirm`. */
  audit(query: AuditQuery = {}, options: CallOptions = {}): Promise<AuditList> {
    return this.#get("/audit", query, options);
  }

  /** `GET /grants`: what people allowed for a while, newest first. Needs `confirm`. */
  grants(options: CallOptions = {}): Promise<GrantList> {
    return this.#get("/grants", {}, options);
  }

  /** `DELETE /grants/{id}`: ends one; what it approved and has not started is cancelled. */
  revokeGrant(grantId: string, options: CallOptions = {}): Promise<GrantView> {
    return this.#transport.json({
      method: "DELETE",
      path: `/grants/${encodeURIComponent(grantId)}`,
      repeatable: false,
      signal: options.signal,
    });
  }

  /** `GET /webhooks`: who is notified, and what could not be delivered. Needs `confirm`. */
  webhooks(options: CallOptions = {}): Promise<WebhookList> {
    return this.#get("/webhooks", {}, options);
  }

  /** `POST /webhooks/retry`: sends one failed notification again, or all. Needs `confirm`. */
  retryWebhooks(id?: string, options: CallOptions = {}): Promise<RetryView> {
    return this.#post("/webhooks/retry", id === undefined ? undefined : { id }, options);
  }

  /** `GET /artifacts/{id}`: a screenshot, a long text. Its bytes are untrusted. */
  async artifact(artifactId: string, options: CallOptions = {}): Promise<ArtifactContent> {
    const response = await this.#transport.send({
      method: "GET",
      path: `/artifacts/${encodeURIComponent(artifactId)}`,
      repeatable: true,
      signal: options.signal,
    });
    const length = response.headers.get("content-length");
    return {
      mediaType: response.headers.get("content-type") ?? "application/octet-stream",
      size: length === null ? undefined : Number(length),
      stream: response.body ?? new Blob([]).stream(),
      bytes: () => response.bytes(),
    };
  }

  /**
   * `GET /events`, for as long as it is iterated: reconnects with back-off after a lost connection
   * and resumes after the last event that arrived, without gap or repeat. Leaving the loop or
   * aborting `signal` ends it quietly. Throws where the first connection fails, and where the
   * gateway says that trying again is no use (a revoked key: 401).
   *
   * @example
   * ```ts
   * for await (const event of client.events({ since: 0, signal })) console.log(event.id, event.event);
   * ```
   */
  events(options: EventsOptions = {}): AsyncGenerator<ClientEvent, void, void> {
    const open = (lastEventId: string | undefined, signal: AbortSignal) =>
      this.#transport.send({
        method: "GET",
        path: "/events",
        query: { task_id: options.taskId, since: options.since },
        headers: {
          accept: "text/event-stream",
          ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
        },
        // The subscription has its own way of trying again.
        repeatable: false,
        signal,
      });
    return subscribe(open, options);
  }

  /** Waits for a task's end, as long as it takes, and resolves with the finished task. */
  async follow(taskId: string, options: FollowOptions = {}): Promise<TaskView> {
    const { onEvent, ...rest } = options;
    for await (const event of this.events({ ...rest, taskId, since: 0 })) {
      onEvent?.(event);
      if (LAST_EVENTS.has(event.event)) break;
    }
    options.signal?.throwIfAborted();
    return this.task(taskId, { signal: options.signal });
  }

  /**
   * The whole way: plan, the caller's confirmation, execute, follow to the end. Resolves with the
   * finished task, `cancelled` where `confirm` did not say true. Where policy asks for an approver
   * it waits until one has decided; aborting `signal` ends the waiting, not the task.
   */
  async run(request: PlanRequest, options: RunOptions): Promise<TaskView> {
    const { confirm, onExecute, ...rest } = options;
    const plan = await this.plan(request, { signal: options.signal });
    if ((await confirm(plan)) !== true) return this.cancel(plan.task_id);
    const view = await this.execute({ task_id: plan.task_id }, { signal: options.signal });
    onExecute?.(view);
    return this.follow(plan.task_id, rest);
  }

  #get<Answer>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    options: CallOptions,
  ): Promise<Answer> {
    return this.#transport.json({
      method: "GET",
      path,
      query,
      repeatable: true,
      signal: options.signal,
    });
  }

  #post<Answer>(path: string, body: unknown, options: CallOptions): Promise<Answer> {
    return this.#transport.json({
      method: "POST",
      path,
      body,
      repeatable: false,
      signal: options.signal,
    });
  }
}

function credentialOf(options: GatewayClientOptions): Credential {
  const { secret, token, keyId } = options;
  if (secret !== undefined && token !== undefined) {
    throw new TypeError("give the client a secret or a token, not both");
  }
  if (secret !== undefined) return { kind: "signature", keyId: keyId ?? "default", secret };
  return token === undefined ? { kind: "none" } : { kind: "token", token };
}
