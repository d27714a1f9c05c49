import type { FastifyRequest } from "fastify";
import { GatewayError } from "../../contract/errors.ts";

/** Bodies up to this are not counted: the cap on connections bounds what they take together. */
const SMALL = 64 * 1024;
/** Bytes that larger bodies may take together while they arrive; at least four of the largest. */
const BUDGET = 256 * 1024 * 1024;
const LARGEST_AT_ONCE = 4;

/**
 * Bounds the memory of bodies on their way in, which is taken before anybody knows who sends them:
 * a signature is over the whole body. Throws `rate_limited` for a large one where others have taken
 * what there is; small ones always have room.
 */
export function createBodyLimit(bodyLimit: number): (request: FastifyRequest) => void {
  const budget = Math.max(BUDGET, LARGEST_AT_ONCE * bodyLimit);
  let taken = 0;
  return ({ raw }) => {
    const announced = sizeOf(raw.headers, bodyLimit);
    // What is over the limit is refused before a byte of it is read.
    if (announced <= SMALL || announced > bodyLimit) return;
    if (taken + announced > budget) {
      throw new GatewayError("rate_limited", "Too many large bodies are on their way in.", {
        retry_after: 1,
        hint: `Send it again in a moment, and in one go. Bodies up to ${SMALL} bytes always have room if they say their length.`,
      });
    }
    taken += announced;
    raw.once("close", () => {
      taken -= announced;
    });
  };
}

/** Bytes a body may have by what its headers say; without a length it may have any. */
function sizeOf(headers: FastifyRequest["raw"]["headers"], bodyLimit: number): number {
  if (headers["transfer-encoding"] !== undefined) return bodyLimit;
  return Number(headers["content-length"] ?? 0);
}
