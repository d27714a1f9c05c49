import type { IncomingMessage } from "node:http";
import { GatewayError } from "../contract/errors.ts";

const JSON_TYPE = /^application\/json(?:; *charset="?utf-8"?)?$/i;

/**
 * The body of a request, of at most `limit` bytes. Rejects with `unsupported_media_type` for anything
 * but plain JSON (the daemon itself takes forms, which any web page may send) and `body_too_large`.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const { "content-type": type = "", "content-encoding": encoding } = request.headers;
  if (!JSON_TYPE.test(type) || encoding !== undefined) {
    throw new GatewayError("unsupported_media_type", "The request is not sent as plain JSON.", {
      hint: "Send application/json in UTF-8.",
    });
  }
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError(
      "invalid_request",
      "The request ended before all of it came.",
      {},
      error,
    );
  }
  return Buffer.concat(chunks);
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError("body_too_large", `The request has more than ${limit} bytes.`, {
    hint: "An operator can raise MAX_FILE_SIZE_MB for files.",
  });
}
