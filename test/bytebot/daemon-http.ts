import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Answer, resetConnection, sendAnswer } from "./answer.ts";
import { type DaemonAction, isDaemonAction, performAction } from "./daemon-actions.ts";
import type { DaemonFiles } from "./daemon-files.ts";
import { answerMcp } from "./daemon-mcp.ts";
import { checkShape, SHAPED_ACTIONS, ShapeError } from "./daemon-shapes.ts";
import type { Websockify } from "./daemon-websockify.ts";
import type { Desk } from "./desk.ts";
import type { Fault, Faults } from "./faults.ts";
import { Crash, Hands } from "./hands.ts";
import type { Pause } from "./pause.ts";
import { BodyError, type Fields, readBody } from "./request-body.ts";
import type { Watch } from "./watch.ts";

export interface DaemonRequest {
  readonly method: string;
  readonly path: string;
  /** As it was sent, known or not; "" where there is none. */
  readonly action: string;
  readonly body: Fields;
  readonly authorization: string | undefined;
  /** Milliseconds of `performance.now()`. */
  readonly receivedAt: number;
  /** When the answer was handed over; undefined: not yet, or never. */
  answeredAt: number | undefined;
  status: number | undefined;
  /** Whether the client's connection ended before the answer did. */
  clientGone: boolean;
  /** Whether its work is done, failed or lost. */
  ended: boolean;
}

export interface DaemonParts {
  readonly apiKey: string | undefined;
  readonly pause: Pause;
  readonly desk: Desk;
  readonly files: DaemonFiles;
  readonly faults: Faults;
  readonly websockify: Websockify;
  readonly requests: DaemonRequest[];
  readonly watch: Watch;
  readonly process: () => AbortSignal;
  readonly crash: () => void;
  readonly die: () => void;
}

/** The daemon's HTTP side: statuses, bodies and faults. */
export function createDaemonListener(parts: DaemonParts): RequestListener {
  return (request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    void serve(parts, request, response).catch((error: Error) => {
      // A request whose body never came whole.
      if (!response.headersSent) response.destroy(error);
    });
  };
}

async function serve(
  parts: DaemonParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "", url = "" } = request;
  if (method === "OPTIONS") return sendAnswer(response, { status: 204 });
  if (method === "GET" && url === "/websockify") parts.websockify.broken = true;
  const body = await readBody(request).catch((error: unknown) => {
    if (error instanceof BodyError) return error;
    throw error;
  });
  const entry = note(parts, request, response, body instanceof BodyError ? {} : body);
  const fault = parts.faults.take(entry.action);
  try {
    const answer = await answerTo(parts, entry, body, response, fault);
    if (answer === undefined) return;
    entry.status = answer.status;
    entry.answeredAt = performance.now();
    parts.watch.changed();
    await sendAnswer(response, answer, fault);
  } finally {
    entry.ended = true;
    parts.watch.changed();
  }
}

function note(
  parts: DaemonParts,
  request: IncomingMessage,
  response: ServerResponse,
  body: Fields,
): DaemonRequest {
  const entry: DaemonRequest = {
    method: request.method ?? "",
    path: request.url ?? "",
    action: typeof body.action === "string" ? body.action : "",
    body,
    authorization: request.headers.authorization,
    receivedAt: performance.now(),
    answeredAt: undefined,
    status: undefined,
    clientGone: false,
    ended: false,
  };
  parts.requests.push(entry);
  response.on("close", () => {
    entry.clientGone = !response.writableFinished;
    parts.watch.changed();
  });
  parts.watch.changed();
  return entry;
}

/** undefined: there is no answer, the connection is broken or hangs for ever. */
async function answerTo(
  parts: DaemonParts,
  entry: DaemonRequest,
  body: Fields | BodyError,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<Answer | undefined> {
  if (parts.apiKey !== undefined && entry.authorization !== `Bearer ${parts.apiKey}`)
    return { status: 401, body: { message: "Unauthorized", statusCode: 401 } };
  if (body instanceof BodyError) return refusal(body.status, body.message);
  const status = fault?.status;
  if (status !== undefined) return { status, body: { statusCode: status, message: "failing" } };
  if (fault?.kind === "reset") return void resetConnection(response);
  if (fault?.kind === "hang") await fault.released;
  const perform = (action: DaemonAction, fields: Fields) => {
    const signal = parts.process();
    const acted = fault === undefined ? () => undefined : midway(parts, response, fault);
    const hands = new Hands(parts.desk, parts.pause, signal, acted);
    const tools = { hands, desk: parts.desk, files: parts.files };
    return performAction(action, fields, tools).then(
      (result) => {
        // What moves nothing has its middle at its end.
        acted();
        return result;
      },
      (error: unknown) => {
        if (error instanceof Crash) parts.crash();
        throw error;
      },
    );
  };
  const route = ROUTES[`${entry.method} ${entry.path}`] ?? notFound;
  const answer = await route(entry, perform, parts);
  if (fault?.kind === "hang_after_effect") await fault.released;
  return answer;
}

type Route = (
  entry: DaemonRequest,
  perform: (action: DaemonAction, body: Fields) => Promise<unknown>,
  parts: DaemonParts,
) => Promise<Answer | undefined>;

const ROUTES: Readonly<Record<string, Route>> = {
  async "POST /computer-use"({ action, body }, perform, parts) {
    const signal = parts.process();
    if (!isDaemonAction(action)) return refusal(400, `Unknown or missing action: ${action}`);
    try {
      checkShape(action, body);
      const result = await perform(action, body);
      return signal.aborted ? undefined : { status: 201, body: result };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof ShapeError)
        return error.entries && { status: 400, body: badRequest(error.entries) };
      const message = error instanceof Error ? error.message : "";
      const text = `Failed to execute computer action: ${message}`;
      return { status: 500, body: { statusCode: 500, message: text } };
    }
  },
  "POST /input-tracking/start": async () => ({ status: 201, body: { status: "started" } }),
  "POST /input-tracking/stop": async () => ({ status: 201, body: { status: "stopped" } }),
  "POST /mcp": ({ body }, perform) => answerMcp(body, SHAPED_ACTIONS, perform),
};

async function notFound({ method, path }: DaemonRequest): Promise<Answer> {
  const body = { message: `Cannot ${method} ${path}`, error: "Not Found", statusCode: 404 };
  return { status: 404, body };
}

function midway(parts: DaemonParts, response: ServerResponse, fault: Fault): () => void {
  return () => {
    if (fault.kind === "reset_midway") resetConnection(response);
    if (fault.kind === "crash") parts.crash();
    if (fault.kind === "die") parts.die();
  };
}

function refusal(status: number, message: string): Answer {
  return status === 400
    ? { status, body: badRequest(message) }
    : { status, body: { statusCode: status, message } };
}

function badRequest(message: unknown): Fields {
  return { message, error: "Bad Request", statusCode: 400 };
}
