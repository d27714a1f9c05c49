import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../contract/errors.ts";
import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { verifyBearerToken } from "./bearer-token.ts";
import type { KeyRing } from "./key-ring.ts";
import type { KeyUse } from "./key-use.ts";
import {
  invalid,
  type LegacyClaim,
  notSigned,
  readLegacyClaim,
  type SignedParts,
  verifyLegacyMac,
} from "./legacy-signature.ts";
import { ReplayMemory } from "./replay-memory.ts";
import type { ReplayStore } from "./replay-store.ts";

export interface SignedRequest extends SignedParts {
  readonly headers: IncomingHttpHeaders;
  /** It has no effect, or one that must not wait for a disk: its signature may be kept in memory alone. */
  readonly evenUnrecorded?: boolean;
}

export interface Credentialed {
  readonly principal: Principal;
  /** Await before answering: until then a crash would forget that the signature was used. */
  readonly durable: Promise<void>;
  /** Nothing was presented; policy does not ask for it. */
  readonly unsigned?: true;
}

export interface AuthenticatorOptions {
  readonly ring: KeyRing;
  readonly replays: ReplayStore;
  /** The policy of this moment. */
  readonly security: () => Pick<Policy["security"], "require_signature" | "signature_tolerance_ms">;
  /** Told of each key, and token by its SHA-256, that was accepted. */
  readonly use?: Pick<KeyUse, "note">;
  /** ms since the epoch; for tests. */
  readonly now?: () => number;
}

const NOTHING_TO_KEEP = Promise.resolve();

/** Turns the credentials of a request into a Principal, and accepts each signature once. */
export class Authenticator {
  readonly #ring: KeyRing;
  readonly #replays: ReplayMemory;
  readonly #security: AuthenticatorOptions["security"];
  readonly #use: AuthenticatorOptions["use"];
  readonly #now: () => number;
  #toleranceMs = Number.POSITIVE_INFINITY;
  /** Signatures from before this may have been forgotten. */
  #remembersFrom = Number.NEGATIVE_INFINITY;

  constructor(options: AuthenticatorOptions) {
    this.#ring = options.ring;
    this.#replays = new ReplayMemory(options.replays);
    this.#security = options.security;
    this.#use = options.use;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Refuses what no body could make right, before the body is read: credentials that are malformed or
   * beside each other, a token or key of nobody, a time out of the window. Throws as `authenticate`.
   */
  precheck({ headers, form }: Pick<SignedRequest, "headers" | "form">): void {
    refuseMessageSignature(headers);
    const claim = readLegacyClaim(headers);
    if (headers.authorization !== undefined) {
      if (claim === undefined) verifyBearerToken(headers.authorization, this.#ring);
    } else if (claim !== undefined) {
      if (this.#ring.find(claim.keyId)?.principal.scheme !== "hmac") throw notSigned(form);
      this.#refuseUntimely(Number(claim.timestamp));
    }
  }

  /**
   * undefined: the request carries no credentials at all. Throws GatewayError `signature_missing`,
   * `signature_invalid`, `timestamp_out_of_window`, `signature_replayed`, `token_invalid`, and
   * `audit_unavailable` where the store cannot remember a request that is not `evenUnrecorded`. An unauthenticated request writes nothing.
   */
  async authenticate(request: SignedRequest): Promise<Credentialed | undefined> {
    const { headers } = request;
    refuseMessageSignature(headers);
    const claim = readLegacyClaim(headers);
    if (headers.authorization !== undefined) {
      if (claim !== undefined) {
        throw invalid("the request has both Authorization and X-Signature", "Choose one of them.");
      }
      const { key, sha256 } = verifyBearerToken(headers.authorization, this.#ring);
      this.#use?.note(key.id, sha256);
      return { principal: key.principal, durable: NOTHING_TO_KEEP };
    }
    return claim === undefined ? this.#unsigned() : this.#verifySignature(claim, request);
  }

  async #verifySignature(claim: LegacyClaim, request: SignedRequest): Promise<Credentialed> {
    const key = await verifyLegacyMac(claim, this.#ring.find(claim.keyId), request);
    const timestamp = Number(claim.timestamp);
    const toleranceMs = this.#refuseUntimely(timestamp);
    const { fresh, isForgotten, durable } = await this.#replays.remember(
      { keyId: key.id, timestamp, mac: claim.mac, forgetAt: timestamp + toleranceMs },
      request.evenUnrecorded === true,
    );
    // Whoever fails before awaiting it answers with its own error; this one must not end the process.
    durable.catch(() => {});
    if (fresh) {
      this.#use?.note(key.id);
      return { principal: key.principal, durable };
    }
    if (isForgotten === true) {
      throw new GatewayError(
        "timestamp_out_of_window",
        "X-Timestamp lies in a minute that is over, though the clock of the gateway now says otherwise",
        {
          hint: "The clock of the gateway's host was set back: which signatures of that minute were used is not known any more. Sign anew, or wait until the minute is over.",
        },
      );
    }
    throw new GatewayError("signature_replayed", "this X-Signature was used before", {
      hint: "Each request is signed anew, with the time of that moment.",
    });
  }

  /** Returns the window, ms to both sides. */
  #refuseUntimely(timestamp: number): number {
    const now = this.#now();
    const toleranceMs = this.#security().signature_tolerance_ms;
    if (toleranceMs > this.#toleranceMs) {
      // The policy widened the window: what was forgotten under the old one must not come back.
      this.#remembersFrom = Math.max(this.#remembersFrom, now - this.#toleranceMs);
    }
    this.#toleranceMs = toleranceMs;
    const past = Math.min(toleranceMs, now - this.#remembersFrom);
    if (timestamp >= now - past && timestamp <= now + toleranceMs) return toleranceMs;
    const way = timestamp < now ? `${past} ms in the past` : `${toleranceMs} ms in the future`;
    throw new GatewayError(
      "timestamp_out_of_window",
      `X-Timestamp lies more than ${way} (security.signature_tolerance_ms)`,
      { hint: `It is milliseconds since 1970, here ${now}: check unit and clock, and sign anew.` },
    );
  }

  #unsigned(): Credentialed | undefined {
    if (this.#security().require_signature) return undefined;
    const principal = this.#ring.principal("default");
    return principal && { principal, durable: NOTHING_TO_KEEP, unsigned: true };
  }
}

/** RFC 9421: whoever tries it must not be taken for a legacy client, which signs less. */
function refuseMessageSignature(headers: IncomingHttpHeaders): void {
  for (const name in headers) {
    if (!name.startsWith("signature")) continue;
    throw invalid(
      `the header ${name} is of RFC 9421, which this version does not offer`,
      "Sign with X-Timestamp and X-Signature, or send a bearer token, without that header.",
    );
  }
}
