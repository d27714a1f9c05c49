import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { AuditHead } from "../audit/audit-store.ts";
import type { EventStore } from "../events/event-store.ts";
import type { TaskStore } from "../tasks/task-store.ts";

export interface MetricsDeps {
  readonly tasks: Pick<TaskStore, "countByStatus">;
  readonly events: EventStore;
  readonly auditHead: () => Promise<AuditHead>;
  readonly subscribers: () => number;
  readonly stopped: () => boolean;
}

export interface Metrics {
  readonly registry: Registry;
  /** Told of each answer that has left. */
  observeAnswer(answer: {
    readonly method: string;
    readonly route: string | undefined;
    readonly status: number;
    readonly seconds: number;
  }): void;
}

/** Seconds; waits and event streams fall beyond the last. */
const BUCKETS = [0.002, 0.01, 0.05, 0.25, 1, 5];

/** What /metrics shows. */
export function createMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const events = new Counter({
    name: "bytebot_gateway_events_total",
    help: "Committed events by name.",
    labelNames: ["event"],
    registers,
  });
  deps.events.onCommitted((committed) => {
    for (const { event } of committed) events.inc({ event });
  });
  new Gauge({
    name: "bytebot_gateway_tasks",
    help: "Tasks in the store by status.",
    labelNames: ["status"],
    registers,
    async collect() {
      for (const [status, count] of Object.entries(await deps.tasks.countByStatus())) {
        this.set({ status }, count);
      }
    },
  });
  new Gauge({
    name: "bytebot_gateway_event_subscribers",
    help: "Open event streams.",
    registers,
    collect() {
      this.set(deps.subscribers());
    },
  });
  new Gauge({
    name: "bytebot_gateway_stopped",
    help: "1 while everything is stopped.",
    registers,
    collect() {
      this.set(deps.stopped() ? 1 : 0);
    },
  });
  new Gauge({
    name: "bytebot_gateway_audit_head",
    help: "Number of the newest audit record; its MAC is the label. Keep it outside this machine.",
    labelNames: ["mac"],
    registers,
    async collect() {
      const { seq, mac } = await deps.auditHead();
      this.reset();
      this.set({ mac }, seq);
    },
  });
  const answers = new Histogram({
    name: "bytebot_gateway_http_request_duration_seconds",
    help: "Answered requests by method, route and status.",
    labelNames: ["method", "route", "status"],
    buckets: BUCKETS,
    registers,
  });
  return {
    registry,
    observeAnswer: ({ method, route = "none", status, seconds }) =>
      answers.observe({ method, route, status }, seconds),
  };
}
