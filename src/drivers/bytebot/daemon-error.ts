import { GatewayError } from "../../contract/errors.ts";
import type { TransportError } from "./transport.ts";

// ByteBot's own messages repeat what it was sent, secrets too: none of them is ever passed on.

/** Where the URL of a desktop stands unless it is said. */
export const URL_SETTING = "BYTEBOT_URL";

/** A hint with the place where the operator has set the desktop's URL and key. */
export function namingSetting(hint: string, setting: string): string {
  if (setting === URL_SETTING) return hint;
  return hint
    .replaceAll(URL_SETTING, setting)
    .replaceAll("BYTEBOT_AGENT_URL", setting.replace(/^url /, "agent_url "))
    .replaceAll("BYTEBOT_API_KEY", setting.replace(/^url /, "api_key "));
}

type Explanation = readonly [detail: string, hint: string];

const KEY_REFUSED: Explanation = [
  "ByteBot's desktop refuses the key",
  "Set BYTEBOT_API_KEY to the key it expects, or to none.",
];
const NOT_BYTEBOT: Explanation = [
  "what answers is not ByteBot's desktop daemon",
  "BYTEBOT_URL must lead to ByteBot's desktop daemon (port 9990), not to its web page or agent.",
];

const STATUSES: Readonly<Record<number, Explanation>> = {
  400: [
    "ByteBot's desktop refuses the request as malformed",
    "It may be of another version than this gateway knows; see docs/bytebot.md.",
  ],
  401: KEY_REFUSED,
  403: KEY_REFUSED,
  404: NOT_BYTEBOT,
  405: NOT_BYTEBOT,
  413: ["ByteBot's desktop takes at most 50 MB at once", "Send less in one step."],
  500: [
    "ByteBot's desktop could not carry it out; part of it may have happened",
    "Take a screenshot to see what the desktop shows; ByteBot's own log says why.",
  ],
};

/** What an answer with another status than 201 means. */
export function statusError(status: number): GatewayError {
  const known = STATUSES[status];
  if (known !== undefined) return new GatewayError("bytebot_error", known[0], { hint: known[1] });
  const [, hint] = NOT_BYTEBOT;
  return new GatewayError(
    "bytebot_error",
    `ByteBot's desktop answers with status ${status}, which it never does by itself`,
    { hint },
  );
}

export function malformedAnswer(action: string, cause?: unknown): GatewayError {
  return new GatewayError(
    "bytebot_error",
    `ByteBot's desktop answers ${action} with something else than it should`,
    { hint: NOT_BYTEBOT[1] },
    cause,
  );
}

export function answerTooLong(action: string, maxAnswer: number): GatewayError {
  if (action === "read_file") {
    return new GatewayError(
      "file_too_large",
      `the file is larger than what is read of ByteBot's desktop: ${maxAnswer} bytes in base64`,
      { hint: "Use a smaller file." },
    );
  }
  return new GatewayError(
    "bytebot_error",
    `ByteBot's desktop answers ${action} with more than the ${maxAnswer} bytes that are read`,
    { hint: NOT_BYTEBOT[1] },
  );
}

/** It surely did not happen, or it was a read. */
export function unavailable(cause: unknown, retryAfterMs = 0): GatewayError {
  return new GatewayError(
    "bytebot_unavailable",
    retryAfterMs > 0
      ? "ByteBot's desktop did not answer several times and is left alone for a moment"
      : "ByteBot's desktop cannot be reached",
    {
      hint: "Check that ByteBot's desktop runs and that BYTEBOT_URL leads to it (port 9990).",
      ...(retryAfterMs > 0 && { retry_after: Math.ceil(retryAfterMs / 1000) }),
    },
    cause,
  );
}

/** It left, and nobody knows what became of it. */
export function outcomeUnknown(cause: TransportError | GatewayError): GatewayError {
  const why =
    "isTimeout" in cause && cause.isTimeout
      ? "did not answer in time"
      : "was lost before it answered";
  return new GatewayError(
    "outcome_unknown",
    `ByteBot's desktop ${why}: the action may have happened, in part or whole`,
    { hint: "Take a screenshot to see what the desktop shows before anything is done again." },
    cause,
  );
}
