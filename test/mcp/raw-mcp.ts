import { expect } from "vitest";
import type { Gateway } from "../support/gateway.ts";

/** Messages of MCP over HTTP as no client library would send them. */
export const initialize = (protocolVersion = "2025-11-25", capabilities: object = {}) => ({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion, capabilities, clientInfo: { name: "raw", version: "1" } },
});

export const list = (id: number) => ({ jsonrpc: "2.0", id, method: "tools/list", params: {} });

export const callTool = (id: number, name: string, args: unknown) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

export const wait = (id: number, duration_ms: number) => callTool(id, "wait", { duration_ms });

const MODERN = "2026-07-28";

/** A call of 2026-07-28, which has no session. */
export function modernCall(
  id: number,
  params: Readonly<Record<string, unknown>>,
  { capabilities = {}, progress }: { capabilities?: object; progress?: number } = {},
) {
  const meta = "io.modelcontextprotocol/";
  const _meta = {
    ...(progress !== undefined && { progressToken: progress }),
    [`${meta}protocolVersion`]: MODERN,
    [`${meta}clientInfo`]: { name: "raw", version: "1" },
    [`${meta}clientCapabilities`]: capabilities,
  };
  return {
    body: { jsonrpc: "2.0", id, method: "tools/call", params: { ...params, _meta } },
    headers: {
      "mcp-protocol-version": MODERN,
      "mcp-method": "tools/call",
      "mcp-name": String(params.name),
    },
  };
}

/** Answered by a stream as it makes progress. */
export const modernWait = (id: number) =>
  modernCall(id, { name: "wait", arguments: { duration_ms: 60_000 } }, { progress: id });

export interface Ask {
  readonly method?: string;
  /** Text is sent as it stands. */
  readonly body?: unknown;
  readonly session?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export function ask(
  { url, keys }: Pick<Gateway, "url" | "keys">,
  { method = "POST", body, session, key = "chat", headers, signal }: Ask,
): Promise<Response> {
  return fetch(`${url}/mcp`, {
    method,
    headers: {
      accept: "application/json, text/event-stream",
      ...(key !== "" && { authorization: `Bearer ${keys[key]?.token}` }),
      ...(session && { "mcp-session-id": session }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  });
}

/** A session that has begun; its id. */
export async function begin(
  gateway: Pick<Gateway, "url" | "keys">,
  { version, capabilities, key }: { version?: string; capabilities?: object; key?: string } = {},
): Promise<string> {
  const own = key === undefined ? {} : { key };
  const response = await ask(gateway, { ...own, body: initialize(version, capabilities) });
  await response.text();
  const session = response.headers.get("mcp-session-id") ?? "";
  expect(session).toMatch(/^mcp_[A-Za-z0-9_-]{22}$/);
  const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
  await ask(gateway, { ...own, session, body: initialized });
  return session;
}

export interface StreamEvent {
  readonly id: string;
  readonly data: string;
}

/** Events of a stream as they come. */
async function* eventsOf(response: Response): AsyncGenerator<StreamEvent, undefined> {
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const id = part.match(/^id: (.*)$/m)?.[1] ?? "";
      const data = part.match(/^data: (.*)$/m)?.[1] ?? "";
      yield { id, data };
    }
  }
  return undefined;
}

/** Events of a stream, up to one that the test accepts or to its end. */
export async function readEvents(
  response: Response,
  enough: (data: string) => boolean = () => false,
): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(response)) {
    events.push(event);
    if (enough(event.data)) break;
  }
  return events;
}

/** The message of a stream that holds a text, and whatever comes after it. */
export async function readUpTo(response: Response, text: string) {
  const events = eventsOf(response);
  for (;;) {
    const { value } = await events.next();
    if (value === undefined) throw new Error(`the stream ended without ${text}`);
    if (value.data.includes(text)) return { message: JSON.parse(value.data), rest: events };
  }
}
