import { createHash } from "node:crypto";
import { compactJson } from "../lib/json.ts";
import type { SignedRequest } from "./authenticator.ts";
import { signedPrefix } from "./legacy-signature.ts";

/** What a signature was checked against. Bodies are told by digest alone: a log holds no content. */
export interface SignatureAccount {
  /** As sent; `default` where it is missing. */
  readonly key_id: string;
  /** The signed message up to the body. */
  readonly message_starts: string;
  /** One for each form of the body that was tried. */
  readonly tried: readonly {
    readonly body: "as sent" | "compact";
    readonly bytes: number;
    /** SHA-256 of the whole message in hex, to compare with the client's own. */
    readonly message_sha256: string;
  }[];
}

/** For the operator who looks for a client's mistake: the messages that its MAC may have been over. */
export function describeSignature(request: SignedRequest): SignatureAccount {
  const start = signedPrefix(String(request.headers["x-timestamp"] ?? ""), request);
  const compact = compactJson(request.body);
  const account = (body: "as sent" | "compact", bytes: Uint8Array) => ({
    body,
    bytes: bytes.length,
    message_sha256: createHash("sha256").update(start).update(bytes).digest("hex"),
  });
  return {
    key_id: String(request.headers["x-key-id"] ?? "default"),
    message_starts: start,
    tried: [
      account("as sent", request.body),
      ...(compact === request.body ? [] : [account("compact", compact)]),
    ],
  };
}
