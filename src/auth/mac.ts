import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";

const MAC_LENGTH = 32;
/** 44 characters are usual; the decoder skips what is not base64, and that must have an end. */
const LONGEST_SPELLING = 256;

/** The 32 bytes of a MAC in any base64 spelling Node reads; undefined where it is not 32 bytes. */
export function decodeMac(spelling: string): Uint8Array | undefined {
  if (spelling.length > LONGEST_SPELLING) return undefined;
  const mac = Buffer.from(spelling, "base64");
  return mac.length === MAC_LENGTH ? mac : undefined;
}

/** Whether `mac` (32 bytes) is the HMAC-SHA256 over prefix and body, in constant time. */
export function isMac(
  mac: Uint8Array,
  secret: KeyObject,
  prefix: string,
  body: Uint8Array,
): boolean {
  return timingSafeEqual(createHmac("sha256", secret).update(prefix).update(body).digest(), mac);
}
