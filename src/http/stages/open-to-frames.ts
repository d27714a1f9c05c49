import type { FastifyReply, FastifyRequest } from "fastify";

const CARD = /^\/cards(?:\/[a-z]+)?(?:\?|$)/;

/**
 * A card's page has an opaque origin where a chat frames it: to a browser, its own gateway is another
 * site. What the page asks carries its secret in the body and never a cookie, so any origin may ask.
 */
export function openToFrames({ raw: { url = "" } }: FastifyRequest, reply: FastifyReply): void {
  if (!CARD.test(url)) return;
  reply.header("access-control-allow-origin", "*");
  reply.removeHeader("access-control-allow-credentials");
}

/** Answers what a browser asks before it sends JSON to another site; says whether it did. */
export function answerCardPreflight(request: FastifyRequest, reply: FastifyReply): boolean {
  const { method, url = "" } = request.raw;
  if (method !== "OPTIONS" || !CARD.test(url)) return false;
  reply
    .code(204)
    .headers({
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "600",
    })
    .send();
  return true;
}
