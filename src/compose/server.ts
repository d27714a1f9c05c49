import type { FastifyInstance } from "fastify";
import type { Contradictions } from "../audit/contradictions.ts";
import { Authenticator } from "../auth/authenticator.ts";
import { ForwardedUser } from "../auth/forwarded-user.ts";
import type { Principal } from "../contract/principal.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { HttpDeps } from "../http/http-deps.ts";
import { buildServer } from "../http/server.ts";
import { VERSION } from "../lib/version.ts";
import type { People } from "../people/people.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import { RateLimiter } from "../policy/rate-limiter.ts";
import type { Desktops } from "../tasks/desktops.ts";
import type { TaskEngine } from "../tasks/task-engine.ts";
import type { OpenedAdmin } from "./admin.ts";
import type { Foundation } from "./foundation.ts";
import type { Keys } from "./keys.ts";
import { createMetrics } from "./metrics.ts";
import type { Notifications } from "./notifications.ts";
import { checkReadiness } from "./readiness.ts";
import type { Storage } from "./storage.ts";
import type { Tools } from "./tools.ts";

export interface ServerParts {
  readonly storage: Storage;
  readonly policy: PolicySource;
  readonly keys: Keys;
  readonly people: People;
  readonly findPrincipal: (keyId: string) => Principal | undefined;
  readonly desktops: Desktops;
  readonly tasks: TaskEngine;
  readonly notifications: Notifications;
  readonly takeovers: HttpDeps["desktops"];
  readonly events: EventHub;
  readonly tools: Tools;
  readonly admin: OpenedAdmin;
}

/** Room for what JSON and base64 add to the largest file. */
const BODY_OVERHEAD = 1.4;
const BODY_FLOOR = 64 * 1024;

/** How the audit log contradicts its exported head, by now. */
async function findContradiction(
  contradictions: Contradictions,
  log: Foundation["log"],
): Promise<string | undefined> {
  await contradictions
    .check()
    .catch((err: unknown) => log.error({ err }, "the acknowledgement could not be recorded"));
  return contradictions.problem;
}

/** The HTTP server over all parts, not yet listening. Once it does, notifications begin to leave. */
export function openServer(foundation: Foundation, parts: ServerParts): FastifyInstance {
  const { config, secrets, log, address } = foundation;
  const { storage, policy, keys, people, findPrincipal, tasks, events, tools, admin } = parts;
  const { store, artifacts } = storage;
  const forwardedUser = new ForwardedUser(secrets.openWebUiJwtSecret);
  const metrics = createMetrics({
    tasks: store.tasks,
    events: store.events,
    auditHead: () => store.audit.head(),
    subscribers: () => events.size,
    stopped: () => tasks.stopped,
  });
  const app = buildServer({
    version: VERSION,
    log,
    config,
    bodyLimit: Math.ceil(config.maxFileSize * BODY_OVERHEAD) + BODY_FLOOR,
    authenticator: new Authenticator({
      ring: keys.ring,
      replays: store.replays,
      security: () => policy.current.security,
      use: keys.use,
    }),
    people,
    keys: { principal: findPrincipal },
    keyService: keys.service,
    admin: admin.admin,
    policy,
    rateLimiter: new RateLimiter(),
    tasks,
    grants: tasks.grantService,
    events,
    audit: admin.audit,
    notifications: parts.notifications,
    artifacts,
    desktops: parts.takeovers,
    capabilities: tools.capabilitiesOf,
    tools: {
      ...tools,
      requestedBy: (headers) => forwardedUser.read(headers),
      publicUrl: () => address.publicUrl,
    },
    mcp: tools.mcp,
    readiness: () =>
      checkReadiness({
        checkWrites: () => store.check(),
        auditProblem: () => findContradiction(storage.contradictions, log),
        readStore: () => store.events.lastId(),
        desktops: () => parts.desktops.all,
        policyProblem: () => policy.problem,
        keysProblem: () => keys.source.problem,
        webhooksProblem: () => parts.notifications.problem,
        stopped: () => tasks.stopped,
      }),
    metrics: metrics.registry,
    observe: metrics.observeAnswer,
  });
  app.server.once("listening", () => {
    const bound = app.server.address();
    if (typeof bound === "object" && bound !== null) address.bind(bound.port);
    parts.notifications.start();
  });
  return app;
}
