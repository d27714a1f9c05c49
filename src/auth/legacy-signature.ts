import { createSecretKey, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../contract/errors.ts";
import { compactLargeJson } from "../lib/json.ts";
import type { Key } from "./key-ring.ts";
import { decodeMac, isLargeMac } from "./mac.ts";

/** What a request says of its signature, well-formed but not verified. */
export interface LegacyClaim {
  readonly keyId: string;
  /** As signed: canonical decimal milliseconds. */
  readonly timestamp: string;
  /** 32 bytes, whatever base64 spelling they came in. */
  readonly mac: Uint8Array;
}

/** The parts of a request that a signature covers. */
export interface SignedParts {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Raw; empty if there is none. */
  readonly body: Uint8Array;
  /** `body`: timestamp and body alone are signed; `request`: method and target too. */
  readonly form: "body" | "request";
}

/**
 * Reads X-Timestamp, X-Signature and X-Key-Id; undefined where there is none of them. Throws
 * `signature_missing` where one of the first two is missing, `signature_invalid` where one is
 * malformed or sent twice.
 */
export function readLegacyClaim(headers: IncomingHttpHeaders): LegacyClaim | undefined {
  const signature = single(headers, "x-signature");
  const timestamp = single(headers, "x-timestamp");
  const keyId = single(headers, "x-key-id");
  if (signature === undefined && timestamp === undefined && keyId === undefined) return undefined;
  if (signature === undefined || timestamp === undefined) {
    const missing = signature === undefined ? "X-Signature" : "X-Timestamp";
    throw new GatewayError("signature_missing", `the request has no ${missing} header`, {
      hint: "A signed request carries X-Timestamp and X-Signature, and X-Key-Id unless it is default.",
    });
  }
  if (!CANONICAL_MS.test(timestamp)) {
    const detail = "X-Timestamp is not a whole number of milliseconds";
    throw invalid(detail, "Send the digits alone: Date.now(), or int(time.time() * 1000).");
  }
  const mac = decodeMac(signature);
  if (mac === undefined) {
    const detail = "X-Signature is not base64 of 32 bytes";
    throw invalid(detail, "Send base64(HMAC-SHA256(secret, message)), neither hex nor truncated.");
  }
  return { keyId: keyId ?? "default", timestamp, mac };
}

/**
 * Verifies the MAC over the raw body, else over the raw body without white space outside of strings,
 * in constant time; an unknown key (undefined) costs the same as a wrong MAC. Throws
 * `signature_invalid`.
 */
export async function verifyLegacyMac(
  claim: LegacyClaim,
  key: Key | undefined,
  request: SignedParts,
): Promise<Key> {
  const prefix = signedPrefix(claim.timestamp, request);
  const hmac = key?.principal.scheme === "hmac" ? key : undefined;
  const secret = hmac?.secret ?? NO_SECRET;
  let verified = await isLargeMac(claim.mac, secret, prefix, request.body);
  if (!verified) {
    // Python's json= and many others send spaces that the signed form does not have.
    const compact = await compactLargeJson(request.body);
    if (compact !== request.body) verified = await isLargeMac(claim.mac, secret, prefix, compact);
  }
  if (verified && hmac !== undefined) return hmac;
  throw notSigned(request.form);
}

/** What is answered whether there is no such key or its signature is another. */
export function notSigned(form: SignedParts["form"]): GatewayError {
  return invalid(
    "no key with this X-Key-Id has made this X-Signature over this request",
    form === "body" ? BODY_HINT : REQUEST_HINT,
  );
}

/** What stands before the body in the signed message. */
export function signedPrefix(timestamp: string, { form, method, target }: SignedParts): string {
  return form === "body" ? `${timestamp}:` : `${timestamp}:${method} ${target}:`;
}

export function invalid(detail: string, hint: string): GatewayError {
  return new GatewayError("signature_invalid", detail, { hint });
}

const CANONICAL_MS = /^(0|[1-9]\d{0,15})$/;
const NO_SECRET = createSecretKey(randomBytes(32));

const MISTAKES =
  "Usual mistakes: another secret or X-Key-Id, a revoked key, the body serialised twice in " +
  "different ways, X-Timestamp not the one that was signed, hex in place of base64.";
const BODY_HINT = `Sign TIMESTAMP:COMPACT_JSON_BODY with HMAC-SHA256. ${MISTAKES}`;
const REQUEST_HINT =
  "Sign TIMESTAMP:METHOD PATH_AND_QUERY:COMPACT_JSON_BODY (nothing where there is no body) with " +
  `HMAC-SHA256; POST /plan and /execute alone go without method and path. ${MISTAKES}`;

/** A header's one value. Node joins repeated ones with a comma, which none of ours can hold. */
function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  if (value === undefined || (typeof value === "string" && !value.includes(","))) return value;
  throw invalid(`the header ${name} was sent more than once`, "Send it once.");
}
