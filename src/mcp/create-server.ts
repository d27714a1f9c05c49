import {
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { PictureScaler } from "../artifacts/picture-scaler.ts";
import type { AskState } from "./ask-person.ts";
import { callTool } from "./call-tool.ts";
import type { Caller, McpDeps } from "./mcp-deps.ts";
import { viewTool } from "./tool-view.ts";

export interface ServerDeps extends McpDeps {
  readonly codec: RequestStateCodec<AskState>;
  readonly pictures: PictureScaler;
  readonly isClosing: () => boolean;
}

const INSTRUCTIONS =
  "Tools that act on a desktop through a gateway: every call is planned, and where policy asks for it a person approves it first. Every answer is JSON, with status, and the task_id that task_status takes where something was begun. completed means that it was done, with its result; failed and interrupted come with error (code, detail, hint); refused means that nothing was begun where there is no task_id. awaiting_confirmation means that nothing has run yet, and that it starts by itself once approved: give the user the link confirmation_url, then ask task_status. rejected comes with the person's reason, and perhaps with a proposal in the form that run_plan takes. Never claim that something was done before a status says completed. Several steps that are known beforehand go into one run_plan, which is approved once.";

export type Era = "legacy" | "modern";

/**
 * The protocol's server of one session, or since 2026-07-28 of one request. `isDeleted`: whether the
 * client has ended the session.
 */
export function createServer(
  deps: ServerDeps,
  era: Era,
  isDeleted: () => boolean = () => false,
): Server {
  const server = new Server(
    { name: "bytebot-gateway", title: "ByteBot Gateway", version: deps.version },
    {
      capabilities: { tools: { listChanged: true } },
      instructions: INSTRUCTIONS,
      requestState: { verify: deps.codec.verify },
    },
  );
  // What cannot be delivered or read is the client's doing.
  server.onerror = (err) => deps.log.debug({ err }, "MCP");
  server.setRequestHandler("tools/list", (_request, ctx) => ({
    tools: deps.list.of(callerOf(ctx).principal).map(viewTool),
  }));
  server.setRequestHandler("tools/call", ({ params }, ctx) =>
    callTool(
      { ...deps, era, isDeleted, canAsk: () => canAsk(server) },
      callerOf(ctx),
      { name: params.name, args: params.arguments ?? {} },
      ctx,
    ),
  );
  return server;
}

/** A client that names no mode of elicitation has forms; one that names URLs alone has none. */
function canAsk(server: Server): boolean {
  const elicitation = server.getClientCapabilities()?.elicitation;
  if (elicitation === undefined) return false;
  return elicitation.form !== undefined || elicitation.url === undefined;
}

/** Set with each HTTP request by the endpoint. */
function callerOf({ http }: ServerContext): Caller {
  const caller = http?.authInfo?.extra?.caller as Caller | undefined;
  if (caller !== undefined) return caller;
  throw new ProtocolError(ProtocolErrorCode.InternalError, "Nobody is known to have sent this.");
}
