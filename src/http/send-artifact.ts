import type { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { Artifact } from "../artifacts/artifact-store.ts";

/** Of an answer whose content nobody vouches for: it loads nothing, runs nothing, is framed nowhere. */
export const INERT_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'";

/** Answers with an artifact as what it is. Only for media types in which nothing is active. */
export function sendArtifact(
  reply: FastifyReply,
  { media_type, size }: Artifact,
  bytes: Readable,
): FastifyReply {
  reply.headers({
    "content-type": media_type,
    "content-length": String(size),
    "content-security-policy": INERT_POLICY,
  });
  return reply.send(bytes);
}
