import { ProblemError } from "./problem.ts";

export type Method = "GET" | "POST" | "DELETE";

/**
 * Asks the service, with the session's cookie. Resolves with the answer's JSON.
 *
 * @throws ProblemError for every refusal, and with the code `unreachable` where no answer came
 */
export async function request<Answer>(
  method: Method,
  target: string,
  options: { body?: unknown; signal?: AbortSignal } = {},
): Promise<Answer> {
  const response = await reach(target, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    headers: {
      accept: "application/json",
      ...(method !== "GET" && { "content-type": "application/json" }),
    },
    ...(method !== "GET" && { body: JSON.stringify(options.body ?? {}) }),
    ...(options.signal && { signal: options.signal }),
  });
  const text = await response.text();
  const answer = parse(text);
  if (response.ok) return answer as Answer;
  if (isProblemBody(answer)) throw new ProblemError(response.status, answer);
  throw new ProblemError(response.status, {
    code: "unreachable",
    detail: `The gateway's answer could not be read (status ${response.status}).`,
    hint: "Something between this page and the gateway may have answered in its place.",
  });
}

async function reach(target: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(target, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ProblemError(0, {
      code: "unreachable",
      detail: "The gateway does not answer.",
      hint: "It may be restarting. This page tries again by itself.",
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblemBody(value: unknown): value is { code: string; detail: string } {
  return typeof value === "object" && value !== null && "code" in value && "detail" in value;
}
