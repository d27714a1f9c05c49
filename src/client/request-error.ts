import type { ErrorCode } from "../contract/errors.ts";
import type { Problem } from "../contract/service.ts";

/** Why there was no answer of the gateway to read, besides the codes it answers with itself. */
export type TransportErrorCode = "unreachable" | "timed_out" | "unexpected_answer";

/**
 * A request that did not succeed.
 *
 * - `code`: the gateway's error code, or `unreachable` (the request may or may not have arrived),
 *   `timed_out` (no answer within the client's own limit), `unexpected_answer` (something that is
 *   not a gateway answered)
 * - `status`: HTTP status, 0 where there was no answer
 * - `detail`: what was refused and by which rule; the error's message
 * - `hint`: how to change it
 * - `retryAfter`: seconds after which the gateway asks to try again
 * - `problem`: the whole RFC 9457 document, with `allowed_paths` and the like
 */
export class GatewayRequestError extends Error {
  override readonly name = "GatewayRequestError";
  readonly code: ErrorCode | TransportErrorCode;
  readonly status: number;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;
  readonly problem: Problem | undefined;

  constructor(
    code: ErrorCode | TransportErrorCode,
    status: number,
    detail: string,
    more: { hint?: string; retryAfter?: number; problem?: Problem; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.status = status;
    this.hint = more.hint;
    this.retryAfter = more.retryAfter;
    this.problem = more.problem;
  }

  get detail(): string {
    return this.message;
  }
}

/** What an answer with an error status says. Reads the body. */
export async function errorOfResponse(response: Response): Promise<GatewayRequestError> {
  const text = await response.text().catch(() => "");
  const problem = problemOf(text);
  if (problem === undefined) {
    return unexpectedAnswer(response, text);
  }
  const retryAfter = problem.retry_after ?? secondsOf(response.headers.get("retry-after"));
  return new GatewayRequestError(problem.code as ErrorCode, response.status, problem.detail, {
    problem,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

/** An answer that a gateway does not give. */
export function unexpectedAnswer(response: Response, text: string): GatewayRequestError {
  const start = text.slice(0, 80).replaceAll(/\s+/g, " ").trim();
  const retryAfter = secondsOf(response.headers.get("retry-after"));
  return new GatewayRequestError(
    "unexpected_answer",
    response.status,
    `${response.url} answered ${response.status} with what no gateway says${start === "" ? "" : `: ${start}`}`,
    {
      hint: "Check that the URL is the gateway's, and what any proxy before it does.",
      ...(retryAfter === undefined ? {} : { retryAfter }),
    },
  );
}

/** Hints for the system's and undici's error codes that have a known remedy. */
const NETWORK_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Nothing listens there. Start the gateway with `./gateway serve`.",
  ENOTFOUND: "The host name is not known. Check the URL.",
  EAI_AGAIN: "The host name could not be looked up. Check the network and the URL.",
  ECONNRESET: "The connection was closed before the answer. Is the URL's http or https right?",
  ETIMEDOUT: "The host does not answer. Check the address, the port and any firewall.",
  EHOSTUNREACH: "There is no route to the host. Check the address and the network.",
  UND_ERR_CONNECT_TIMEOUT:
    "The host does not answer. Check the address, the port and any firewall.",
  UND_ERR_SOCKET: "The connection was closed before the answer. Is the gateway shutting down?",
  ERR_SSL_WRONG_VERSION_NUMBER: "The server does not speak TLS on this port. Try http://.",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "The certificate is self-signed. Name its file in NODE_EXTRA_CA_CERTS.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "The certificate's issuer is not known. Name its file in NODE_EXTRA_CA_CERTS.",
};

/** Wraps what `fetch` throws where no answer came. `url` is named without its query. */
export function networkError(url: URL, cause: unknown): GatewayRequestError {
  const root = innermost(cause);
  const code = codeOf(root);
  const reason = code ?? (root instanceof Error ? root.message : String(root));
  return new GatewayRequestError(
    "unreachable",
    0,
    `${url.origin}${url.pathname} did not answer (${reason})`,
    {
      cause,
      hint: NETWORK_HINTS[code ?? ""] ?? "Check the URL and that the gateway runs.",
    },
  );
}

/** No answer within the client's limit. */
export function timeoutError(url: URL, timeoutMs: number): GatewayRequestError {
  return new GatewayRequestError(
    "timed_out",
    0,
    `${url.origin}${url.pathname} did not answer within ${timeoutMs / 1000} s`,
    { hint: "The gateway may be overloaded or unreachable; a longer timeoutMs waits longer." },
  );
}

function problemOf(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === "string" && typeof value.detail === "string"
      ? (value as Problem)
      : undefined;
  } catch {
    return undefined;
  }
}

function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}

/** `fetch failed` says nothing; its causes do. */
function innermost(error: unknown): unknown {
  let inner = error;
  for (
    let depth = 0;
    depth < 5 && inner instanceof Error && inner.cause !== undefined;
    depth += 1
  ) {
    inner = inner.cause;
  }
  if (inner instanceof AggregateError && inner.errors.length > 0) return inner.errors[0];
  return inner;
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
