import { randomBytes } from "node:crypto";
import { GatewayError } from "../contract/errors.ts";
import type { Assertion, CeremonyView, StepUpRequest } from "../contract/people.ts";
import { randomId } from "../lib/random-id.ts";
import { gone } from "./gone.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { relyingPartyOf } from "./own-origins.ts";
import { type Caller, noPasskeysHere, type PeopleParts, record } from "./people-parts.ts";
import type { PasskeyRecord, PeopleChange, PersonRecord, SignInMethod } from "./people-store.ts";
import type { NewSession } from "./sessions.ts";
import { ShortLived } from "./short-lived.ts";
import { type Expected, refused, requestOptions, verifyUse } from "./webauthn.ts";

const TTL_MS = 5 * 60_000;
const MAX_CEREMONIES = 10_000;

/** Signs people in, by passkey or by password. */
export class SignIn {
  readonly #parts: PeopleParts;
  readonly #ceremonies: ShortLived<Expected>;
  readonly #throttle: LoginThrottle;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#ceremonies = new ShortLived({ ttlMs: TTL_MS, max: MAX_CEREMONIES, now: parts.now });
    this.#throttle = new LoginThrottle(parts.now);
  }

  /** For navigator.credentials.get: any passkey made at this address. */
  async options({ origin }: Caller): Promise<CeremonyView> {
    const rpId = relyingPartyOf(origin);
    if (rpId === undefined) throw noPasskeysHere();
    const challenge = new Uint8Array(randomBytes(32));
    const ceremony = randomId();
    this.#ceremonies.put(ceremony, {
      challenge: Buffer.from(challenge).toString("base64url"),
      origin,
      rpId,
    });
    return { ceremony, options: await requestOptions({ rpId, challenge }) };
  }

  /** Throws `token_invalid` for a ceremony that is over, `signature_invalid` for all else. */
  async withPasskey(assertion: Assertion, { ip }: Caller): Promise<NewSession> {
    const used = await this.#checkPasskey(assertion);
    return this.#begin(used.person, "passkey", ip, used);
  }

  /** The passkey as it is after this use, of somebody who is there. */
  async #checkPasskey({ ceremony, response }: Assertion): Promise<PasskeyRecord> {
    const expected = this.#ceremonies.take(ceremony);
    if (expected === undefined) throw gone("challenge");
    const { registry } = this.#parts;
    const passkey = registry.passkey(response.id);
    const person = passkey && registry.find(passkey.person);
    const { userHandle } = response.response;
    if (passkey === undefined || person === undefined || userHandle !== person.handle) {
      throw refused();
    }
    const counter = await verifyUse(response, expected, passkey);
    return { ...passkey, counter, last_used_at: new Date(this.#parts.now()).toISOString() };
  }

  /**
   * Proves again, within a session, who it is: what lets somebody in takes that. Throws as signing in
   * does, and `signature_invalid` for another person's passkey.
   */
  async stepUp(
    sessionId: string,
    { assertion, password }: StepUpRequest,
    { ip }: Caller,
  ): Promise<void> {
    if ((assertion === undefined) === (password === undefined)) {
      throw new GatewayError("invalid_request", "This takes either a passkey or a password.", {
        hint: "Send one of `assertion` and `password`.",
      });
    }
    const { store, registry, sessions, inTurn } = this.#parts;
    const session = sessions.get(sessionId);
    if (session === undefined) throw gone("session");
    const used = assertion && (await this.#checkPasskey(assertion));
    if (used !== undefined && used.person !== session.person) throw refused();
    const known =
      password === undefined ? undefined : await this.#checkPassword(session.person, password, ip);
    await inTurn(async () => {
      const present = sessions.get(sessionId);
      if (present === undefined) throw gone("session");
      if (!this.#holds(session.person, used ?? known?.password)) throw refused();
      const method = used === undefined ? "password" : "passkey";
      const { record: proven, audit } = sessions.proven(present, method, ip);
      await store.apply(
        [
          { put: "session", record: proven },
          ...(used === undefined ? [] : [{ put: "passkey" as const, record: used }]),
        ],
        [audit],
      );
      if (used !== undefined) registry.putPasskey(used);
      // It may have ended meanwhile: what was kept must not bring it back.
      if (sessions.prove(proven)) return;
      await store.apply([{ drop: "session", id: sessionId }], []);
      throw gone("session");
    });
  }

  /** Throws `token_invalid` whether the person exists or not, `rate_limited` where it comes too fast. */
  async withPassword(typed: string, password: string, { ip }: Caller): Promise<NewSession> {
    const id = typed.trim().toLowerCase();
    const person = await this.#checkPassword(id, password, ip);
    return this.#begin(person.id, "password", ip, person.password);
  }

  /** Who has this id and password. Throws `token_invalid`, `rate_limited`. */
  async #checkPassword(id: string, password: string, ip: string): Promise<PersonRecord> {
    await this.#throttle.begin(id, ip);
    const person = this.#parts.registry.find(id);
    const matches = await this.#verify(id, password, person, ip);
    if (person === undefined || !matches) {
      this.#throttle.failed(id, ip);
      await this.#recordSlowed(person?.id, id, ip);
      throw new GatewayError("token_invalid", "This sign-in name and password do not match.", {
        hint: "Your sign-in name was shown when you first came in. If you have lost access, an operator can send you a new link; whoever runs the host makes one with `people link`.",
      });
    }
    this.#throttle.succeeded(id, ip);
    return person;
  }

  async #verify(
    id: string,
    password: string,
    person: PersonRecord | undefined,
    ip: string,
  ): Promise<boolean> {
    try {
      return await this.#parts.passwords.verify(password, person?.password);
    } catch (error) {
      this.#throttle.abandoned(id, ip);
      throw error;
    }
  }

  async #begin(
    person: string,
    method: SignInMethod,
    ip: string,
    by: PasskeyRecord | string | undefined,
  ): Promise<NewSession> {
    const passkey = typeof by === "string" ? undefined : by;
    const { store, registry, sessions, inTurn } = this.#parts;
    return inTurn(async () => {
      const present = registry.find(person);
      if (present === undefined || !this.#holds(person, by)) throw refused();
      const session = sessions.prepare(person, method, ip);
      const signedIn = { ...present, signed_in_at: session.audit.time };
      const changes: PeopleChange[] = [
        { put: "person", record: signedIn },
        { put: "session", record: session.record },
      ];
      if (passkey !== undefined) changes.push({ put: "passkey", record: passkey });
      await store.apply(changes, [session.audit]);
      registry.put(signedIn);
      if (passkey !== undefined) registry.putPasskey(passkey);
      sessions.begin(session);
      return session;
    });
  }

  /** Not where they were removed, or given other credentials, while this was being checked. */
  #holds(person: string, by: PasskeyRecord | string | undefined): boolean {
    const { registry } = this.#parts;
    const present = registry.find(person);
    if (present === undefined || by === undefined) return false;
    return typeof by === "string"
      ? present.password === by
      : registry.passkey(by.id)?.person === person;
  }

  /** One record for an account under attack, not one for each guess. */
  async #recordSlowed(person: string | undefined, id: string, ip: string): Promise<void> {
    if (person === undefined || !this.#throttle.hasJustSlowed(id)) return;
    const slowed = { ...record("session.guessed", person, { ip }), key_id: null };
    await this.#parts.store.apply([], [{ ...slowed, details: { person, ip } }]);
  }
}
