import {
  type ErrorCode,
  GatewayError,
  isErrorCode,
  statusOf,
  titleOf,
} from "../contract/errors.ts";
import type { Problem } from "../contract/service.ts";

export const PROBLEM_TYPE = "application/problem+json";

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The one way an error becomes an answer (RFC 9457). Its cause stays behind. */
export function problemOf(error: GatewayError, requestId: string): ProblemAnswer {
  const { code, detail, status, extras } = error;
  const problem: Problem = {
    type: `urn:bytebot-gateway:error:${code}`,
    title: isErrorCode(code) ? titleOf(code) : "Conflict",
    status,
    detail,
    code,
    ...mutable(extras),
    request_id: requestId,
  };
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE };
  if (extras.retry_after !== undefined) headers["retry-after"] = seconds(extras.retry_after);
  // RFC 9110, 11.6.1: a 401 names a scheme. Bearer is the registered one of ours.
  if (status === 401) {
    // RFC 6750, 3.1: what was sent did not hold.
    const error = code === "token_invalid" ? ', error="invalid_token"' : "";
    headers["www-authenticate"] = `Bearer realm="bytebot-gateway"${error}`;
  }
  return { status, headers, body: Buffer.from(JSON.stringify(problem)) };
}

/** Anything thrown, as an error of ours. What is unknown says nothing but that it happened. */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const known = typeof code === "string" ? FASTIFY_ERRORS.get(code) : undefined;
  if (known !== undefined) {
    return new GatewayError(
      known.code,
      known.detail,
      known.hint ? { hint: known.hint } : {},
      error,
    );
  }
  return new GatewayError(
    "internal_error",
    "The request failed inside the gateway.",
    { hint: "The gateway's log has the reason under this request_id." },
    error,
  );
}

/** Whether an error is the gateway's own fault and belongs in the log whole. */
export function isInternal(error: GatewayError): boolean {
  return error.status === statusOf("internal_error");
}

/** What Fastify itself refuses, by its code. */
const FASTIFY_ERRORS: ReadonlyMap<string, { code: ErrorCode; detail: string; hint?: string }> =
  new Map([
    [
      "FST_ERR_CTP_BODY_TOO_LARGE",
      {
        code: "body_too_large",
        detail: "The body is larger than this gateway reads.",
        hint: "The limit follows MAX_FILE_SIZE_MB.",
      },
    ],
    [
      "FST_ERR_CTP_INVALID_MEDIA_TYPE",
      {
        code: "unsupported_media_type",
        detail: "The body's Content-Type is not application/json.",
        hint: "Send JSON with Content-Type: application/json.",
      },
    ],
    [
      "FST_ERR_CTP_INVALID_CONTENT_LENGTH",
      {
        code: "invalid_request",
        detail: "The body is not as long as Content-Length says.",
        hint: "Count bytes, not characters.",
      },
    ],
    [
      "FST_ERR_BAD_URL",
      {
        code: "invalid_request",
        detail: "The path holds a percent escape that decodes to nothing.",
        hint: "Escape the UTF-8 bytes of each character; a % itself is %25.",
      },
    ],
    [
      "FST_ERR_MAX_PARAM_LENGTH",
      {
        code: "not_found",
        detail: "There is no such resource.",
        hint: "Check the id in the path.",
      },
    ],
    // The client went away while it was sending: nobody reads this answer.
    ["ECONNRESET", { code: "invalid_request", detail: "The request broke off." }],
  ]);

/** JSON leaves out what is undefined; the arrays are shared, not copied. */
function mutable(extras: GatewayError["extras"]): Partial<Problem> {
  return extras as Partial<Problem>;
}

function seconds(value: number): string {
  return String(Math.max(1, Math.ceil(value)));
}
