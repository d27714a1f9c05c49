import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import cors from "@fastify/cors";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { GatewayError } from "../contract/errors.ts";
import { containRequests, failRequest } from "./contain-request.ts";
import type { HttpDeps } from "./http-deps.ts";
import { createNotFoundHandler } from "./not-found.ts";
import { urlOf } from "./openapi.ts";
import { PendingWaits } from "./pending-waits.ts";
import { isInternal, problemOf, toGatewayError } from "./problem.ts";
import type { Route } from "./route.ts";
import { createRoutes } from "./routes.ts";
import { sendAnswer } from "./send-answer.ts";
import {
  answerExpectation,
  answerSocketError,
  HEADERS_TIMEOUT_MS,
  MAX_HEADER_BYTES,
  REQUEST_TIMEOUT_MS,
} from "./socket-errors.ts";
import { SECURITY_HEADERS } from "./stages/answer-headers.ts";
import { createAuthentication, createPrecheck } from "./stages/authenticate.ts";
import { createAuthorisation } from "./stages/authorise.ts";
import { awaitDurable } from "./stages/await-durable.ts";
import { createTargetCheck } from "./stages/check-target.ts";
import { createBodyLimit } from "./stages/limit-bodies.ts";
import { answerCardPreflight, openToFrames } from "./stages/open-to-frames.ts";
import { readJson } from "./stages/read-json.ts";
import { createAccessLog } from "./stages/write-access-log.ts";
import { isUpgrade, routeUpgrades } from "./upgrades.ts";
import { createValidatorCompiler, NO_QUERY } from "./validation.ts";

const MAX_CONNECTIONS = 10_000;
const KEEP_ALIVE_MS = 65_000;
/** Longer than the longest `wait` (300 s) and the time between heartbeats. */
const SILENCE_MS = 330_000;
/** What is still under way so long after closing began is cut off. */
const CLOSE_GRACE_MS = 5_000;
/** How often Node looks for requests that are too slow. */
const TIMEOUT_CHECK_MS = 2_000;

const SERVER_OPTIONS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
  // Answered by the target check, as every denial is.
  requireHostHeader: false,
  shouldUpgradeCallback: isUpgrade,
};

/**
 * The HTTP server. A request goes through one list of stages: id and headers of the answer → target
 * and Host → room for the body → CORS → credentials by themselves → raw body → authentication → strict JSON → schemas → scope and rate → handler →
 * durability → access log. Every error becomes an answer in one place. Closing it ends event
 * streams and waits.
 */
export function buildServer(deps: HttpDeps): FastifyInstance {
  const { config, log } = deps;
  const app = fastify({
    // Log lines are ours: one a request, and no child logger for each.
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: deps.bodyLimit,
    return503OnClosing: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    clientErrorHandler: answerSocketError,
    frameworkErrors: (error, request, reply) => {
      // It comes before every hook.
      setAnswerHeaders(request, reply);
      answerError(error, request, reply);
    },
    serverFactory: (listener) => {
      const contained = containRequests(log, listener);
      const server = createServer(SERVER_OPTIONS, contained).setTimeout(SILENCE_MS);
      server.maxConnections = MAX_CONNECTIONS;
      server.on("checkExpectation", containRequests(log, answerExpectation));
      routeUpgrades(server, contained);
      return server;
    },
  });

  const waits = new PendingWaits();
  const routes = createRoutes(deps);
  const checkTarget = createTargetCheck(config.publicUrl, config.allowedHosts);
  const limitBodies = createBodyLimit(deps.bodyLimit);

  app.decorateRequest("principal", undefined);
  app.decorateRequest("sessionId", undefined);
  app.decorateRequest("durable", undefined);
  app.decorateRequest("taskId", undefined);
  app.decorateRequest("errorCode", undefined);
  app.addHook("onRequest", (request, reply, done) => {
    setAnswerHeaders(request, reply);
    checkTarget(request);
    if (answerCardPreflight(request, reply)) return;
    limitBodies(request);
    done();
  });
  if (config.corsOrigins.length > 0) app.register(cors, corsOptions(config.corsOrigins));
  let closing = false;
  app.addHook("onSend", (request, reply, payload, done) => {
    // A connection kept alive would hold up the end by as long as it may be idle.
    if (closing) reply.header("connection", "close");
    openToFrames(request, reply);
    awaitDurable(request, reply, payload, done);
  });
  const writeAccessLog = createAccessLog(deps);
  app.addHook("onResponse", (request, reply, done) => {
    writeAccessLog(request, reply);
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(createNotFoundHandler(routes));
  app.addHook("preClose", (done) => {
    closing = true;
    deps.mcp.close();
    deps.desktops.vnc.close();
    waits.abortAll();
    deps.events.close();
    // Node no longer looks for slow requests once it closes.
    setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS).unref();
    done();
  });

  const precheck = createPrecheck(deps);
  const authenticate = createAuthentication(deps);
  const authorise = createAuthorisation(deps);
  app.after(() => {
    for (const route of routes) register(route);
  });
  return app;

  function register(route: Route): void {
    app.route({
      method: route.head === "handled" ? ["GET", "HEAD"] : route.method,
      url: urlOf(route),
      exposeHeadRoute: route.head === undefined,
      config: { route: route.path },
      ...(route.maxBody !== undefined && { bodyLimit: route.maxBody }),
      schema: {
        ...(route.body && { body: route.body }),
        ...(!route.anyQuery && { querystring: route.query ?? NO_QUERY }),
        ...(route.params && { params: route.params }),
      },
      validatorCompiler: createValidatorCompiler(route),
      onRequest: (request, _reply, done) => {
        precheck(request, route);
        done();
      },
      preValidation: async (request) => {
        await authenticate(request, route);
        await readJson(request, route);
      },
      // Not async: what a handler resolves with is for `sendAnswer` alone, never for Fastify to send.
      handler: (request, reply) => {
        answer(route, request, reply).catch((thrown) => failRequest(request.raw, thrown));
      },
    });
  }

  async function answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const onBroken = (err: unknown) =>
      log.error({ request_id: request.id, err }, "an answer broke off");
    try {
      authorise(request, route);
      const { principal, body, query, params } = request;
      const returned = await route.handle({
        principal,
        body,
        query,
        params,
        request,
        get signal() {
          return waits.signalOf(reply.raw);
        },
      });
      await sendAnswer(returned, { request, reply, onBroken });
    } catch (thrown) {
      if (reply.sent) throw thrown;
      answerError(thrown, request, reply);
    }
  }

  function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toGatewayError(thrown);
    if (isInternal(error)) log.error({ request_id: request.id, err: thrown }, "request failed");
    else log.debug({ request_id: request.id, ...denialOf(error) }, "refused");
    request.errorCode = error.code;
    const { status, headers, body } = problemOf(error, request.id);
    reply.code(status).headers(headers).send(body);
  }
}

/** What the caller is told as well: enough to follow a denial in the log alone. */
function denialOf({ code, detail, extras }: GatewayError) {
  return { code, detail, hint: extras.hint };
}

function setAnswerHeaders({ id }: FastifyRequest, reply: FastifyReply): void {
  reply.headers(SECURITY_HEADERS).header("x-request-id", id);
}

function corsOptions(origins: readonly string[]) {
  return {
    origin: [...origins],
    methods: ["GET", "HEAD", "POST", "DELETE"],
    allowedHeaders: [
      "authorization",
      "content-type",
      "accept",
      "x-timestamp",
      "x-signature",
      "x-key-id",
      "idempotency-key",
      "last-event-id",
      "x-session-id",
      "mcp-session-id",
      "mcp-protocol-version",
      "mcp-method",
      "mcp-name",
    ],
    exposedHeaders: [
      "Content-Disposition",
      "Location",
      "Retry-After",
      "X-Request-Id",
      "X-Task-Id",
      "Mcp-Session-Id",
    ],
    maxAge: 600,
    strictPreflight: false,
  };
}
