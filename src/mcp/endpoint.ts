import { randomBytes } from "node:crypto";
import {
  createMcpHandler,
  createRequestStateCodec,
  isInitializeRequest,
  isLegacyRequest,
  type McpHttpHandler,
} from "@modelcontextprotocol/server";
import { PictureScaler } from "../artifacts/picture-scaler.ts";
import { GatewayError } from "../contract/errors.ts";
import type { AskState } from "./ask-person.ts";
import { createServer, type ServerDeps } from "./create-server.ts";
import type { McpCall, McpDeps } from "./mcp-deps.ts";
import { OpenAnswer } from "./open-answer.ts";
import { type McpSession, SessionTable } from "./session-table.ts";

/** Answers of a key under way at once, streams among them. */
const MAX_OPEN_PER_KEY = 64;
/** Streams of the protocol since 2026-07-28 that wait for changes. */
const MAX_LISTENERS = 4096;
const STATE_TTL_S = 1800;
/** The one version that has batches; those before it spoke another transport. */
const BATCH_VERSION = "2025-03-26";
/** Messages of one: their answers are held until the last of them is there. */
const MAX_BATCH = 20;

/**
 * The MCP server: protocol versions up to 2025-11-25 in sessions, 2026-07-28 request by request.
 * Who calls, from where and how often is checked before it.
 */
export class McpEndpoint {
  readonly #modern: McpHttpHandler;
  readonly #sessions: SessionTable;
  /** What is under way, by key. */
  readonly #open = new Map<string, Set<AbortController>>();
  #closing = false;

  constructor(deps: McpDeps) {
    const serverDeps: ServerDeps = {
      ...deps,
      isClosing: () => this.#closing,
      pictures: new PictureScaler(),
      // A question does not outlive the process: the plan still waits for its approver then.
      codec: createRequestStateCodec<AskState>({
        key: randomBytes(32),
        ttlSeconds: STATE_TTL_S,
        bind: ({ mcpReq, http }) => `${mcpReq.method}\0${http?.authInfo?.clientId ?? ""}`,
      }),
    };
    this.#sessions = new SessionTable(serverDeps);
    this.#modern = createMcpHandler(() => createServer(serverDeps, "modern"), {
      legacy: "reject",
      maxSubscriptions: MAX_LISTENERS,
      onerror: (err) => deps.log.debug({ err }, "MCP"),
    });
  }

  /** Throws `not_found` for a session that is none of this key's, `rate_limited`, `invalid_request`. */
  async handle(call: McpCall): Promise<Response> {
    using opened = this.#begin(call);
    const { method, headers, body, principal } = call;
    const { request } = opened;
    const parsedBody = method === "POST" ? body : undefined;
    const authInfo = {
      token: "",
      clientId: principal.keyId,
      scopes: [...principal.scopes],
      extra: { caller: { principal, requestedBy: call.requestedBy } },
    };
    const legacy = method === "POST" ? await isLegacyRequest(request, body) : true;
    if (!legacy) {
      const response = await this.#modern.fetch(request, { authInfo, parsedBody });
      return opened.untilRead(response);
    }
    const session = await this.#sessionOf(call);
    const use = this.#sessions.use(session);
    try {
      this.#checkBatch(call, session);
      if (method === "GET") takeOver(session, headers.get("last-event-id"));
      const response = await session.transport.handleRequest(request, { authInfo, parsedBody });
      return opened.untilRead(response, use);
    } catch (error) {
      use[Symbol.dispose]();
      throw error;
    }
  }

  endKey(keyId: string): void {
    this.#sessions.endKey(keyId);
    for (const open of this.#open.get(keyId) ?? []) open.abort();
  }

  toolsChanged(): void {
    this.#modern.notify.toolsChanged();
    this.#sessions.toolsChanged();
  }

  close(): void {
    this.#closing = true;
    this.#sessions.close();
    for (const open of [...this.#open.values()].flatMap((all) => [...all])) open.abort();
    this.#modern.close().catch(() => {});
  }

  #sessionOf({ headers, body, method, principal }: McpCall): Promise<McpSession> | McpSession {
    const id = headers.get("mcp-session-id");
    if (id !== null) return this.#sessions.find(id, principal.keyId);
    if (method === "POST" && isInitializeRequest(body)) {
      return this.#sessions.begin(principal.keyId);
    }
    throw new GatewayError("invalid_request", "The request names no MCP session.", {
      hint: "Begin with initialize and send the Mcp-Session-Id of its answer, or speak protocol version 2026-07-28, which has no sessions.",
    });
  }

  /** Messages of a batch count one by one, and only where the protocol has batches. */
  #checkBatch({ body, takeAllowance }: McpCall, { server }: McpSession): void {
    if (!Array.isArray(body)) return;
    if (server.getNegotiatedProtocolVersion() !== BATCH_VERSION) {
      throw new GatewayError("invalid_request", "This protocol version has no batches.", {
        hint: "Send one message a request.",
      });
    }
    if (body.length > MAX_BATCH) {
      throw new GatewayError("invalid_request", `A batch has up to ${MAX_BATCH} messages.`, {
        hint: "Send the others in another.",
      });
    }
    for (const _ of body.slice(1)) takeAllowance();
  }

  #begin({ principal: { keyId }, method, url, headers, signal: gone }: McpCall): OpenAnswer {
    const open = this.#open.get(keyId) ?? new Set();
    if (this.#closing) throw new GatewayError("stopped", "The gateway is closing.");
    if (open.size >= MAX_OPEN_PER_KEY) {
      throw new GatewayError(
        "rate_limited",
        `Key ${keyId} has ${MAX_OPEN_PER_KEY} MCP requests under way.`,
        { retry_after: 5, hint: "Wait for some of them to end." },
      );
    }
    const controller = new AbortController();
    this.#open.set(keyId, open.add(controller));
    const signal = AbortSignal.any([controller.signal, gone]);
    return new OpenAnswer(new Request(url, { method, headers, signal }), () => {
      open.delete(controller);
      if (open.size === 0 && this.#open.get(keyId) === open) this.#open.delete(keyId);
    });
  }
}

/**
 * A client that lost its connection asks anew, often before anybody here knows that it is lost: the
 * newest stream counts. Throws `invalid_request` where there is nothing to resume from.
 */
function takeOver({ transport, events }: McpSession, lastEventId: string | null): void {
  if (lastEventId === null) {
    transport.closeStandaloneSSEStream();
    return;
  }
  if (events.has(lastEventId)) return;
  throw new GatewayError("invalid_request", "There is no event of this id to resume from.", {
    hint: "The oldest are let go. Ask task_status how a task stands.",
  });
}
