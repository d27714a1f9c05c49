import { hash } from "node:crypto";
import serialise from "canonicalize";

/** RFC 8785 canonical JSON. Throws on what JSON cannot carry. */
export function canonicalJson(value: unknown): string {
  const text = serialise(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}

/** `sha256:` and 64 hex digits over the bytes. */
export function sha256(bytes: string | Uint8Array): string {
  return `sha256:${hash("sha256", bytes, "hex")}`;
}
