import type { Fields } from "./request-body.ts";

export interface CallAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `{}` where the body is no JSON. */
  readonly json: Fields;
}

/** Sends the daemon an action. Rejects if the connection breaks. */
export async function post(
  daemon: { readonly url: string },
  action: unknown,
  options: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<CallAnswer> {
  return send("POST", `${daemon.url}/computer-use`, action, options);
}

export async function send(
  method: string,
  url: string,
  content?: unknown,
  options: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<CallAnswer> {
  const response = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...options.headers },
    ...(content === undefined
      ? {}
      : { body: typeof content === "string" ? content : JSON.stringify(content) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): Fields {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
