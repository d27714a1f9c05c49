import { GatewayError } from "../contract/errors.ts";
import type { KeyRing, TokenMatch } from "./key-ring.ts";

const BEARER = /^bearer +([\x21-\x7e]+) *$/i;

/**
 * Whose token an Authorization header carries (RFC 6750 section 2.1). Throws `token_invalid` for
 * another scheme and for a token of nobody.
 */
export function verifyBearerToken(authorization: string, ring: KeyRing): TokenMatch {
  const [, token] = BEARER.exec(authorization) ?? [];
  if (token === undefined) {
    throw new GatewayError("token_invalid", "the Authorization header is no bearer token", {
      hint: "Send `Authorization: Bearer TOKEN`, or sign with X-Timestamp and X-Signature.",
    });
  }
  const match = ring.findByToken(token);
  if (match !== undefined) return match;
  throw new GatewayError("token_invalid", "the bearer token belongs to no key", {
    hint: "It may be revoked or mistyped. Secrets of signing keys are no bearer tokens.",
  });
}
