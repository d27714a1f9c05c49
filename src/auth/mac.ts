import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { atOnce, inTurns, LARGE } from "../lib/turns.ts";

const MAC_LENGTH = 32;
/** 44 characters are usual; the decoder skips what is not base64, and that must have an end. */
const MAX_SPELLING = 256;

/** The 32 bytes of a MAC in any base64 spelling Node reads; undefined where it is not 32 bytes. */
export function decodeMac(spelling: string): Uint8Array | undefined {
  if (spelling.length > MAX_SPELLING) return undefined;
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
  return atOnce(compareMac(mac, secret, prefix, body));
}

/** The same over what may be large: others have a turn meanwhile. */
export async function isLargeMac(...parts: Parameters<typeof isMac>): Promise<boolean> {
  return parts[3].length < LARGE ? isMac(...parts) : await inTurns(compareMac(...parts));
}

/** Bytes that are hashed in one go. */
const PIECE = 1024 * 1024;

function* compareMac(
  mac: Uint8Array,
  secret: KeyObject,
  prefix: string,
  body: Uint8Array,
): Generator<void, boolean> {
  const hmac = createHmac("sha256", secret).update(prefix);
  for (let at = 0; at < body.length; at += PIECE) {
    hmac.update(body.subarray(at, at + PIECE));
    yield;
  }
  return timingSafeEqual(hmac.digest(), mac);
}
