import { randomBytes } from "node:crypto";

export const AUTHORITY_NAME = "MIT-MAGIC-COOKIE-1";
const COOKIE_BYTES = 16;

/** FamilyWild: for every host (Xauth.h). */
const ANY_HOST = 0xffff;

/** What whoever connects to a display must show. */
export function makeCookie(): Uint8Array {
  return randomBytes(COOKIE_BYTES);
}

/**
 * The content of an `.Xauthority` file with this cookie for every display: who holds a file made for
 * one server knows of no other. Family, then address, display number, name and data, each with its
 * length before it (16 bits, big-endian).
 */
export function encodeAuthority(cookie: Uint8Array): Buffer {
  return Buffer.concat([
    short(ANY_HOST),
    ...["", "", AUTHORITY_NAME].map((text) => counted(Buffer.from(text, "latin1"))),
    counted(Buffer.from(cookie)),
  ]);
}

function counted(bytes: Buffer): Buffer {
  return Buffer.concat([short(bytes.length), bytes]);
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
