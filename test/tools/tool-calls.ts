import { type Answer, call, signedFetch } from "../support/call.ts";
import type { Credentials, Gateway } from "../support/gateway.ts";

/** What a call answers where a person must confirm. */
export interface Awaiting {
  readonly task_id: string;
  readonly status: string;
  readonly advice: string;
  readonly confirmation_url: string;
}

export interface ToolAnswer {
  readonly task_id: string;
  readonly status: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: string; detail: string; hint?: string };
  readonly [field: string]: unknown;
}

/** Calls a tool as Open WebUI does: JSON and a bearer token. */
export function callTool<Body = ToolAnswer>(
  gateway: Gateway,
  name: string,
  args: unknown,
  credentials: Credentials = gateway.keys.api,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<Body>> {
  return call<Body>(gateway, "POST", `/tools/${name}`, args, credentials, headers);
}

/** Calls a tool that must wait for a person: the task, and the token of its card. */
export async function awaitCard(
  gateway: Gateway,
  name: string,
  args: unknown,
  credentials?: Credentials,
): Promise<{ taskId: string; url: string; token: string }> {
  const { headers, body } = await callTool<["", Awaiting]>(gateway, name, args, credentials);
  const url = headers.get("location");
  if (url === null) throw new Error(`no card: ${JSON.stringify(body)}`);
  return { taskId: body[1].task_id, url, token: new URL(url).hash.slice(1) };
}

/** What a card's page asks: no credentials but what is in the body. */
export function askCard<Body = Record<string, unknown>>(
  gateway: Gateway,
  path: string,
  body: unknown,
): Promise<Answer<Body>> {
  return call<Body>(gateway, "POST", `/cards/${path}`, body, {});
}

/** The bytes of an answer that is an image. */
export async function imageOf(gateway: Gateway, name: string, args: unknown): Promise<Response> {
  return signedFetch(gateway, "POST", `/tools/${name}`, args, gateway.keys.api);
}
