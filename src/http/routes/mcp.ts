import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { GatewayError } from "../../contract/errors.ts";
import type { McpCall } from "../../mcp/mcp-deps.ts";
import { type HttpAnswer, webAnswer } from "../answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Call, type Route, route } from "../route.ts";
import { takeAllowance } from "../stages/authorise.ts";

type Deps = Pick<HttpDeps, "mcp" | "tools" | "config" | "policy" | "rateLimiter" | "keys">;

const SHARED = {
  path: "/mcp",
  tag: "Tools",
  access: ["plan", "execute", "read"],
  anyQuery: true,
  errors: ["not_found", "stopped"],
} as const;

const SESSION = { "Mcp-Session-Id": "As the answer to initialize had it." };
const Message = Type.Unknown({ description: "A message of JSON-RPC 2.0." });
const STREAM = { description: "Messages, as server-sent events.", mediaType: "text/event-stream" };

/** The tools as an MCP server (Streamable HTTP). None of these is an operation that tools are made of. */
export function createMcpRoutes(deps: Deps): Route[] {
  const handle = (call: HttpCall) => handleCall(deps, call);
  return [
    route({
      ...SHARED,
      method: "POST",
      summary: "Send a message to the MCP server",
      description:
        "Protocol versions 2025-03-26 to 2025-11-25 in sessions that begin with `initialize`, and 2026-07-28, which has none.",
      body: Message,
      headers: SESSION,
      answers: {
        200: { description: "The answer, or a stream of messages up to it.", schema: Message },
        202: { description: "Taken; it has no answer.", schema: Type.Unknown() },
      },
      handle,
    }),
    route({
      ...SHARED,
      method: "GET",
      summary: "Follow what the MCP server says of its own accord",
      description: "`Last-Event-ID` resumes a stream that broke off, as far back as it is kept.",
      headers: { ...SESSION, "Last-Event-ID": "The id of the newest event that was seen." },
      answers: { 200: STREAM },
      head: "none",
      handle,
    }),
    route({
      ...SHARED,
      method: "DELETE",
      summary: "End an MCP session",
      description: "Calls under way are cancelled, and so are their tasks. Other tasks go on.",
      headers: SESSION,
      answers: { 200: { description: "It has ended." } },
      handle,
    }),
  ];
}

type HttpCall = Pick<
  Call<McpCall["principal"], unknown, unknown, unknown>,
  "principal" | "body" | "request" | "signal"
>;

async function handleCall(
  deps: Deps,
  { principal, body, request, signal }: HttpCall,
): Promise<HttpAnswer> {
  const { raw } = request;
  refuseForeignOrigin(deps, raw.headers.origin, raw.headers.host);
  const requestedBy = await deps.tools.requestedBy(raw.headers);
  await request.durable;
  refuseRevoked(deps, principal.keyId);
  const response = await deps.mcp.handle({
    method: raw.method as McpCall["method"],
    url: new URL("/mcp", deps.tools.publicUrl()).href,
    headers: headersOf(raw.headers),
    body,
    principal,
    requestedBy,
    signal,
    takeAllowance: () => takeAllowance(deps, principal.keyId),
  });
  return webAnswer(response);
}

/** A page of a stranger may not speak to it, though a browser would let it (DNS rebinding). */
function refuseForeignOrigin(
  { config, tools }: Deps,
  origin: string | undefined,
  host: string | undefined,
): void {
  if (origin === undefined || config.corsOrigins.includes(origin)) return;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const own = [new URL(tools.publicUrl()).host, host?.toLowerCase()];
  if (url !== undefined && /^https?:$/.test(url.protocol) && own.includes(url.host)) return;
  throw new GatewayError(
    "host_not_allowed",
    "The page that sends this (its Origin) is neither this gateway's own nor in CORS_ORIGINS.",
    { hint: "The operator adds its origin to CORS_ORIGINS if it is to use MCP from a browser." },
  );
}

/** A key may go while its request waits; its sessions are ended only once, at that moment. */
function refuseRevoked({ keys }: Deps, keyId: string): void {
  if (keys.principal(keyId) !== undefined) return;
  throw new GatewayError("token_invalid", `Key ${keyId} was revoked.`, {
    hint: "The operator lists keys in config/clients.json.",
  });
}

/** Without the credentials: nothing after this needs them. */
function headersOf(raw: FastifyRequest["raw"]["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    if (typeof value === "string" && !SECRET.test(name)) headers.set(name, value);
  }
  return headers;
}

const SECRET = /^(?:authorization|cookie|x-signature|x-openwebui-user-jwt|content-length)$/;
