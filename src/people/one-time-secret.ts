import { createHash, randomBytes } from "node:crypto";

/** 256 random bits as 43 characters of unpadded base64url, and what is kept of them. */
export function newSecret(): { readonly secret: string; readonly hash: string } {
  const secret = randomBytes(32).toString("base64url");
  return { secret, hash: hashOf(secret) };
}

/** SHA-256, base64url: enough for what cannot be guessed. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
