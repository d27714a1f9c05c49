import { randomBytes } from "node:crypto";
import { GatewayError } from "../contract/errors.ts";
import type { Assertion, CeremonyView } from "../contract/people.ts";
import type { Policy, RiskLevel } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { randomId } from "../lib/random-id.ts";
import { needsStepUp } from "../policy/needs-step-up.ts";
import { gone } from "./gone.ts";
import { relyingPartyOf } from "./own-origins.ts";
import { type Caller, noPasskeysHere, type PeopleParts } from "./people-parts.ts";
import { ShortLived } from "./short-lived.ts";
import { type Expected, refused, requestOptions, verifyUse } from "./webauthn.ts";

const TTL_MS = 5 * 60_000;
const MAX_CHALLENGES = 1000;
const DIGEST_PREFIX = "sha256:";

interface Ceremony extends Expected {
  readonly keyId: string;
  readonly taskId: string;
  readonly digest: string;
}

/** What a touch is for: one decision on one plan. */
export interface Touched {
  readonly task_id: string;
  readonly plan_digest: string;
  readonly assertion?: Assertion | undefined;
}

/**
 * The proof that a person touched their passkey for this very plan, as it stays in the audit log.
 * The last 32 bytes of the challenge in `client_data_json` are the plan's digest, so anybody can
 * check it with the public key alone.
 */
export interface TouchEvidence {
  readonly passkey: string;
  readonly public_key: string;
  readonly rp_id: string;
  readonly client_data_json: string;
  readonly authenticator_data: string;
  readonly signature: string;
}

/** Fresh touches of passkeys, for approvals of high risk. */
export class StepUp {
  readonly #parts: PeopleParts;
  readonly #policy: () => Policy;
  readonly #ceremonies: ShortLived<Ceremony>;

  constructor(parts: PeopleParts, policy: () => Policy) {
    this.#parts = parts;
    this.#policy = policy;
    this.#ceremonies = new ShortLived({ ttlMs: TTL_MS, max: MAX_CHALLENGES, now: parts.now });
  }

  /** The caller has made sure that this is the task's digest. */
  async begin(
    { keyId, person }: Principal,
    { task_id, plan_digest }: Touched,
    { origin }: Caller,
  ): Promise<CeremonyView> {
    const rpId = relyingPartyOf(origin);
    if (rpId === undefined) throw noPasskeysHere();
    const passkeys = this.#parts.registry.passkeysOf(person?.id ?? "");
    const allowed = passkeys.filter(({ rp_id }) => rp_id === rpId);
    if (allowed.length === 0) {
      throw new GatewayError("scope_missing", "You have no passkey that works at this address.", {
        hint: "Add one in the console, or let another approver decide.",
      });
    }
    const digest = Buffer.from(plan_digest.slice(DIGEST_PREFIX.length), "hex");
    const challenge = new Uint8Array(Buffer.concat([randomBytes(16), digest]));
    const ceremony = randomId();
    this.#ceremonies.put(ceremony, {
      challenge: Buffer.from(challenge).toString("base64url"),
      origin,
      rpId,
      keyId,
      taskId: task_id,
      digest: plan_digest,
    });
    return { ceremony, options: await requestOptions({ rpId, challenge, allowed }) };
  }

  /**
   * For an approval: the proof, where one was given. Throws `scope_missing` where policy asks a
   * person for one, `signature_invalid` and `token_invalid` for one that does not hold.
   */
  async check(
    principal: Principal,
    touched: Touched,
    risk: RiskLevel,
  ): Promise<TouchEvidence | undefined> {
    if (principal.person === undefined) {
      if (touched.assertion === undefined) return undefined;
      throw new GatewayError("invalid_request", "A key has no passkey to touch.", {
        hint: "Leave `assertion` out; people send it from the console.",
      });
    }
    const { assertion } = touched;
    if (assertion !== undefined) return this.#verify(principal, touched, assertion);
    if (!needsStepUp(this.#policy(), risk)) return undefined;
    throw new GatewayError(
      "scope_missing",
      `Approving ${risk} risk takes a fresh touch of your passkey (confirmation.passkey in config/policy.json).`,
      { hint: "POST /confirm/challenge, and send what the passkey answers as `assertion`." },
    );
  }

  async #verify(
    { keyId, person }: Principal,
    { task_id, plan_digest }: Touched,
    { ceremony, response }: Assertion,
  ): Promise<TouchEvidence> {
    const expected = this.#ceremonies.take(ceremony);
    if (expected === undefined) throw gone("challenge");
    const { registry, store } = this.#parts;
    const passkey = registry.passkey(response.id);
    const isTheirs =
      expected.keyId === keyId &&
      expected.taskId === task_id &&
      expected.digest === plan_digest &&
      passkey?.person === person?.id;
    if (passkey === undefined || !isTheirs) throw refused();
    const counter = await verifyUse(response, expected, passkey);
    if (registry.passkey(passkey.id) === undefined) throw refused();
    const used = { ...passkey, counter, last_used_at: new Date(this.#parts.now()).toISOString() };
    registry.putPasskey(used);
    await store.apply([{ put: "passkey", record: used }], []);
    const { clientDataJSON, authenticatorData, signature } = response.response;
    return {
      passkey: passkey.id,
      public_key: passkey.public_key,
      rp_id: passkey.rp_id,
      client_data_json: clientDataJSON,
      authenticator_data: authenticatorData,
      signature,
    };
  }
}
