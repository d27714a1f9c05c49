import type { Readable } from "node:stream";
import type { Artifact } from "../artifacts/artifact-store.ts";
import { type HttpAnswer, streamAnswer } from "./answer.ts";

/** Of an answer whose content nobody vouches for: it loads nothing, runs nothing, is framed nowhere. */
export const INERT_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'";

/** An artifact as what it is. Only for media types in which nothing is active. */
export function artifactAnswer(
  { media_type, size }: Artifact,
  bytes: Readable,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return streamAnswer(bytes, {
    headers: {
      ...headers,
      "content-type": media_type,
      "content-length": String(size),
      "content-security-policy": INERT_POLICY,
    },
  });
}
