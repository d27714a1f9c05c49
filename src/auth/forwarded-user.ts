import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../contract/errors.ts";
import type { RequestedBy } from "../contract/task.ts";

const JWT_HEADER = "x-openwebui-user-jwt";
const ISSUER = "open-webui";
/** Seconds that the two clocks may be apart. */
const SKEW_S = 30;
/** Open WebUI's tokens hold five minutes. */
const MAX_AGE_S = 300;
const FIELDS = ["id", "name", "email", "role"] as const;
const MAX_LENGTH = 200;

/**
 * Whom Open WebUI says a request is for. With the secret it shares, its signed token is verified
 * (HS256, issuer, age); without, the plain headers are taken as what they are: claimed by the caller.
 * Nobody gains a right by it.
 */
export class ForwardedUser {
  readonly #secret: Uint8Array | undefined;

  constructor(secret: string | undefined) {
    this.#secret = secret === undefined ? undefined : new TextEncoder().encode(secret);
  }

  /** Undefined where nobody is named. Throws `token_invalid` for a token that does not hold. */
  async read(headers: IncomingHttpHeaders): Promise<RequestedBy | undefined> {
    const token = headers[JWT_HEADER];
    if (this.#secret !== undefined && token !== undefined) {
      return named(true, await verify(String(token), this.#secret));
    }
    const claims = FIELDS.map((field) => [field, decoded(headers[`x-openwebui-user-${field}`])]);
    return named(false, Object.fromEntries(claims));
  }
}

async function verify(token: string, secret: Uint8Array): Promise<Record<string, unknown>> {
  // Loaded when first needed, so that no start pays for it.
  const { jwtVerify } = await import("jose");
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ["HS256"],
      issuer: ISSUER,
      clockTolerance: SKEW_S,
      maxTokenAge: MAX_AGE_S,
      requiredClaims: ["sub", "exp", "iat"],
    });
    const { sub, ...claims } = payload;
    return { ...claims, id: sub };
  } catch (error) {
    throw new GatewayError(
      "token_invalid",
      "X-OpenWebUI-User-Jwt does not hold: it is not signed with OPENWEBUI_JWT_SECRET, is not of open-webui, or is older than 5 minutes.",
      {
        hint: "Set OPENWEBUI_JWT_SECRET to Open WebUI's FORWARD_USER_INFO_HEADER_JWT_SECRET, and check both clocks.",
      },
      error,
    );
  }
}

/** What of it is text, each cut to what a record has room for. */
function named(
  verified: boolean,
  claims: Readonly<Record<string, unknown>>,
): RequestedBy | undefined {
  const person = FIELDS.flatMap((field) => {
    const value = claims[field];
    if (typeof value !== "string" || value === "") return [];
    return [
      [
        field,
        Array.from(value.toWellFormed())
          .slice(0, MAX_LENGTH / 2)
          .join(""),
      ],
    ];
  });
  return person.length === 0 ? undefined : { verified, ...Object.fromEntries(person) };
}

/** Names outside of ASCII come percent-encoded. */
function decoded(value: string | string[] | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
