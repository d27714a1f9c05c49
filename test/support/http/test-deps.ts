import { Readable } from "node:stream";
import { pino } from "pino";
import type { Artifact } from "../../../src/artifacts/artifact-store.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import type { GrantView } from "../../../src/contract/grant.ts";
import type { KeyView } from "../../../src/contract/operate.ts";
import type { Policy } from "../../../src/contract/policy.ts";
import type { Principal, Scope } from "../../../src/contract/principal.ts";
import type { PlanView, TaskView } from "../../../src/contract/task.ts";
import { EventHub } from "../../../src/events/event-hub.ts";
import type { HttpDeps } from "../../../src/http/http-deps.ts";
import { People } from "../../../src/people/people.ts";
import { Lease } from "../../../src/takeover/lease.ts";
import type { Tasks } from "../../../src/tasks/tasks.ts";
import { Cards } from "../../../src/tools/cards/cards.ts";
import { TaskFeed } from "../../../src/tools/task-feed.ts";
import { MemoryEventStore } from "../events/test-event-store.ts";
import { MemoryPeopleStore } from "../people/test-people-store.ts";

export const TASK_ID = "task_AAAAAAAAAAAAAAAAAAAAAA";
export const ARTIFACT_ID = "artifact_AAAAAAAAAAAAAAAAAAAAAA";
export const DIGEST = `sha256:${"0".repeat(64)}`;

const SCOPES: Readonly<Record<string, readonly Scope[]>> = {
  alice: ["plan", "execute", "read"],
  bob: ["plan", "execute", "read"],
  planner: ["plan"],
  approver: ["confirm", "read"],
};

export const KEYS: Map<string, Principal> = new Map(
  Object.entries(SCOPES).map(([keyId, scopes]) => [
    keyId,
    {
      keyId,
      scheme: "bearer",
      scopes: new Set(scopes),
      capabilities: null,
      desktops: null,
      trustedApprovalSurface: false,
    },
  ]),
);

export const PLAN: PlanView = {
  task_id: TASK_ID,
  desktop: "main",
  action: "fs.read",
  parameters: { path: "/tmp/a", deep: { list: [1, null, { x: true }] } },
  estimated_risk: "low",
  plan_summary: "Read contents of /tmp/a",
  requires_confirmation: true,
  plan_digest: DIGEST,
  status: "planned",
  expires_at: "2026-01-01T00:00:00.000Z",
  confirmation: { mode: "client", url: "http://localhost/approvals/x", approvals_required: 0 },
  steps: [
    {
      action: "fs.read",
      parameters: { path: "/tmp/a" },
      summary: "Read contents of /tmp/a",
      risk: "low",
      reasons: [],
      preview: { kind: "command", argv: ["ls"] },
    },
  ],
};

export const TASK: TaskView = {
  ...PLAN,
  requester: "alice",
  approvals: [{ key_id: "approver", at: PLAN.expires_at, plan_digest: DIGEST }],
  progress: 100,
  result: { content: "hello", size: 5, nested: { any: ["thing"] } },
  error: null,
  artifacts: [],
  created_at: PLAN.expires_at,
};

export const ARTIFACT: Artifact = {
  id: ARTIFACT_ID,
  task_id: TASK_ID,
  requester: "alice",
  owner: "alice",
  step: 0,
  media_type: "image/png",
  size: 5,
  name: "screen.png",
  created_at: PLAN.expires_at,
};

const GRANT: GrantView = {
  id: "grant_AAAAAAAAAAAAAAAAAAAAAA",
  key_id: "alice",
  desktop: "main",
  action: "fs.write",
  path_prefix: "/tmp",
  created_at: PLAN.expires_at,
  expires_at: PLAN.expires_at,
  granted_by: "person:ann",
  on_task: TASK_ID,
  used: 1,
  last_used_at: PLAN.expires_at,
};

const POLICY: Policy = {
  capabilities: {},
  confirmation: { low: "client", medium: "approver", high: "approver" },
  approvals: { low: 1, medium: 1, high: 1 },
  passkey: "never",
  grants: { enabled: true, max_minutes: 60 },
  target_check: { enabled: true, tolerance: 0.03, radius_px: 32 },
  security: {
    require_signature: true,
    signature_tolerance_ms: 300_000,
    max_concurrent_tasks: 5,
    plan_ttl_s: 900,
    max_task_duration_s: 300,
    rate_limit_per_minute: 600,
    max_queued_tasks: 100,
    max_pending_mb: 100,
    max_artifacts_mb: 1024,
    anonymous_events: true,
  },
  digest: DIGEST,
};

const KEY: KeyView = {
  id: "ci",
  scheme: "bearer",
  scopes: ["plan"],
  capabilities: null,
  desktops: ["main"],
  trusted_approval_surface: false,
  source: "console",
  created_at: PLAN.expires_at,
  tokens: [{ created_at: PLAN.expires_at }],
};

const PICTURE = Buffer.from("iVBORw0KGgo=", "base64");

/** A task engine that knows one task, alice's. */
function createFakeTasks(): Tasks {
  const own = (principal: Principal, id: string): TaskView => {
    const sees = principal.keyId === "alice" || principal.scopes.has("confirm");
    if (id === TASK_ID && sees) return TASK;
    throw new GatewayError("task_not_found", `no ${id}`);
  };
  return {
    stopped: false,
    plan: async () => PLAN,
    confirm: async (principal, { task_id }) => own(principal, task_id),
    surface: async (principal, id) => ({ task: own(principal, id), denial: "not here" }),
    decideOnSurface: async (principal, { task_id }) => own(principal, task_id),
    execute: async (principal, { task_id }, { waitMs }) => {
      own(principal, task_id);
      return waitMs > 0
        ? {
            finished: true,
            view: { task_id, status: "completed", message: "", result: TASK.result, error: null },
          }
        : { finished: false, view: { task_id, status: "running", message: "Started" } };
    },
    cancel: async (principal, id) => own(principal, id),
    instruct: async (principal, id) => own(principal, id),
    get: async (principal, id) => own(principal, id),
    list: async () => ({ tasks: [TASK], next_cursor: "7" }),
    stop: async () => ({ stopped: true, cancelled: 2 }),
    resume: async () => ({ stopped: false }),
  };
}

/**
 * Everything the server needs, in memory, for tests. `Authorization: Bearer NAME` is the key of that
 * name; no header at all is no credentials.
 */
export function createTestDeps(overrides: Partial<HttpDeps> = {}) {
  const store = new MemoryEventStore();
  const logged: Record<string, unknown>[] = [];
  const deps: HttpDeps = {
    version: "1.2.3",
    log: pino({ level: "debug" }, { write: (line: string) => logged.push(JSON.parse(line)) }),
    config: {
      publicUrl: "https://gateway.example:8443/base",
      allowedHosts: ["bytebot-gateway", "other.example:9000"],
      corsOrigins: ["https://chat.example"],
      trustedProxies: [],
    },
    bodyLimit: 64 * 1024,
    authenticator: {
      precheck: () => {},
      authenticate: async ({ headers }) => {
        if (headers.authorization === undefined) return undefined;
        const principal = KEYS.get(headers.authorization.replace("Bearer ", ""));
        if (principal === undefined) throw new GatewayError("token_invalid", "no such token");
        return { principal, durable: Promise.resolve() };
      },
    },
    people: new People(
      {
        store: new MemoryPeopleStore(),
        dataDir: "/nonexistent",
        addresses: () => ({ publicUrl: "https://gateway.example:8443/base", port: 8443 }),
        policy: () => POLICY,
        onError: (error) => {
          throw error;
        },
      },
      { person: [], passkey: [], link: [], session: [] },
    ),
    keys: { principal: (keyId) => KEYS.get(keyId) },
    keyService: {
      list: () => [KEY],
      create: async (_, { id }) => ({ id, token: "bbg_x", key: KEY }),
      rotate: async (_, id) => ({ id, token: "bbg_y", key: KEY }),
      revoke: async () => {},
    },
    admin: {
      policy: {
        view: () => ({
          digest: DIGEST,
          loaded_at: PLAN.expires_at,
          file: "/config/policy.json",
          policy: { capabilities: {} },
        }),
        explain: ({ action, key_id = "default" }) => ({
          action,
          key_id,
          decision: { effect: "deny", code: "capability_disabled", detail: "off" },
          rule: "rule",
          checks: [{ name: "enabled", outcome: "denied", note: "off" }],
          changes: [{ effect: "lets it", file: "policy.json", pointer: "/a", line: "b" }],
        }),
      },
      statistics: {
        view: async () => ({
          tasks: [],
          decisions: [{ day: "2026-01-01", approved: 1, rejected: 0 }],
          waiting: { count: 1, p50_s: 3 },
          approvers: [{ key_id: "approver", decisions: 1, under_two_seconds: 0 }],
          complete: true,
        }),
      },
      dryRun: {
        run: async () => ({
          valid: true,
          digests: { before: DIGEST, after: DIGEST },
          checked: 1,
          skipped: 0,
          complete: true,
          changed: [],
          counts: {
            steps: 1,
            unchanged: 1,
            stricter: 0,
            laxer: 0,
            mixed: 0,
            newly_denied: 0,
            newly_unattended: 0,
          },
        }),
      },
    },
    policy: { current: POLICY },
    rateLimiter: { take: () => ({ ok: true }) },
    tasks: createFakeTasks(),
    grants: {
      list: () => ({ grants: [GRANT] }),
      give: async () => GRANT,
      revoke: async () => GRANT,
    },
    events: new EventHub(store),
    audit: {
      search: async ({ cursor = 0, limit }) => ({
        records: Array.from({ length: Math.min(limit, 5) }, (_, index) => ({
          seq: cursor + index + 1,
          time: PLAN.expires_at,
          type: "task.planned",
          key_id: "alice",
          details: { digest: DIGEST },
          prev: DIGEST,
          mac: DIGEST,
        })),
        ...(limit < 5 && { next: cursor + limit }),
      }),
      verification: async () => ({
        ok: true,
        state: "sound",
        checked: 9,
        head: { seq: 9, mac: DIGEST },
        at: PLAN.expires_at,
        running: false,
      }),
      head: async () => ({ seq: 9, mac: DIGEST }),
    },
    desktops: {
      isKnown: (name) => name === "main",
      isOwnOrigin: () => true,
      lists: {
        of: async () => ({
          desktops: [{ name: "main", driver: "embedded", available: true, live: "picture" }],
        }),
      },
      pictures: { take: async () => PICTURE },
      takeovers: {
        take: async (desktop, holder) => new Lease(desktop, holder, Date.parse(PLAN.expires_at)),
        giveBack: async () => true,
      },
      input: { perform: async () => {} },
      vnc: { accept: async () => {}, close: () => {} },
    },
    mcp: { handle: async () => Response.json({ jsonrpc: "2.0" }), close: () => {} },
    notifications: {
      list: async () => ({ endpoints: [], failed: [] }),
      retry: async () => ({ retried: 0 }),
    },
    artifacts: {
      find: async (id) => (id === ARTIFACT_ID ? ARTIFACT : undefined),
      open: async () => Readable.from([Buffer.from("bytes")]),
    },
    capabilities: (principal) => ({
      capabilities: {
        "fs.read": {
          enabled: true,
          risk_level: "low",
          description: "Read file contents",
          ...(principal && {
            parameters: { type: "object" },
            confirmation: "client",
            limits: { allowed_paths: ["/tmp"] },
          }),
        },
      },
    }),
    tools: {
      list: { of: () => [] },
      runner: {
        call: async () => ({ kind: "result", taskId: TASK_ID, result: TASK.result, artifacts: [] }),
      },
      cards: new Cards({
        tasks: createFakeTasks(),
        feed: new TaskFeed((listener) => store.onCommitted(listener)),
        findPrincipal: (keyId) => KEYS.get(keyId),
        publicUrl: () => "https://gateway.example:8443/base",
      }),
      requestedBy: async () => undefined,
      publicUrl: () => "https://gateway.example:8443/base",
    },
    readiness: async () => ({
      ready: true,
      parts: {
        store: { ok: true },
        audit: { ok: true },
        driver: { ok: true },
        policy: { ok: true },
        stopped: { ok: true },
      },
    }),
    metrics: { contentType: "text/plain; version=0.0.4", metrics: async () => "up 1\n" },
    ...overrides,
  };
  return { deps, store, logged, policy: POLICY };
}
