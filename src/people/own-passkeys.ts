import { randomBytes } from "node:crypto";
import { GatewayError } from "../contract/errors.ts";
import type { CeremonyView, PasskeyList, RegistrationResponse } from "../contract/people.ts";
import { randomId } from "../lib/random-id.ts";
import { gone } from "./gone.ts";
import { relyingPartyOf } from "./own-origins.ts";
import { type Caller, nameOf, noPasskeysHere, type PeopleParts, record } from "./people-parts.ts";
import type { PasskeyRecord, PersonRecord } from "./people-store.ts";
import { ShortLived } from "./short-lived.ts";
import { creationOptions, type Expected, verifyCreation } from "./webauthn.ts";

const TTL_MS = 5 * 60_000;
const MAX_CEREMONIES = 1000;
const MAX_PASSKEYS = 20;

interface Ceremony extends Expected {
  readonly person: string;
  readonly session: string;
}

/** What people do about their own passkeys. */
export class OwnPasskeys {
  readonly #parts: PeopleParts;
  readonly #ceremonies: ShortLived<Ceremony>;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#ceremonies = new ShortLived({ ttlMs: TTL_MS, max: MAX_CEREMONIES, now: parts.now });
  }

  list(person: string): PasskeyList {
    const passkeys = this.#parts.registry.passkeysOf(person);
    return {
      passkeys: passkeys
        .sort((a, b) => a.created_at.localeCompare(b.created_at))
        .map(({ id, name, created_at, last_used_at, rp_id }) => ({
          id,
          name,
          created_at,
          ...(last_used_at !== undefined && { last_used_at }),
          rp_id,
        })),
    };
  }

  /** Throws `scope_missing` unless the person signed in a short while ago. */
  async options(personId: string, session: string, { origin }: Caller): Promise<CeremonyView> {
    const person = this.#find(personId);
    this.#parts.sessions.requireFresh(session);
    const rpId = relyingPartyOf(origin);
    if (rpId === undefined) throw noPasskeysHere();
    const existing = this.#parts.registry.passkeysOf(person.id);
    if (existing.length >= MAX_PASSKEYS) {
      throw new GatewayError("state_changed", `You have ${MAX_PASSKEYS} passkeys already.`, {
        hint: "Remove one that you do not use.",
      });
    }
    const challenge = new Uint8Array(randomBytes(32));
    const ceremony = randomId();
    this.#ceremonies.put(ceremony, {
      challenge: Buffer.from(challenge).toString("base64url"),
      origin,
      rpId,
      person: person.id,
      session,
    });
    const { handle, name } = person;
    return {
      ceremony,
      options: await creationOptions({ rpId, challenge, handle, name, existing }),
    };
  }

  async add(
    personId: string,
    session: string,
    made: { ceremony: string; response: RegistrationResponse; name?: string | undefined },
  ): Promise<PasskeyList> {
    const expected = this.#ceremonies.take(made.ceremony);
    if (expected?.person !== personId || expected.session !== session) throw gone("challenge");
    this.#parts.sessions.requireFresh(session);
    const name = nameOf(made.name ?? "Passkey");
    const verified = await verifyCreation(made.response, expected);
    const { store, registry, inTurn } = this.#parts;
    await inTurn(async () => {
      const person = this.#find(personId);
      if (registry.passkey(verified.id) !== undefined) {
        throw new GatewayError("state_changed", "This passkey is known already.", {
          hint: "Make a new one.",
        });
      }
      const passkey: PasskeyRecord = {
        ...verified,
        person: person.id,
        name,
        rp_id: expected.rpId,
        created_at: new Date(this.#parts.now()).toISOString(),
      };
      await store.apply(
        [{ put: "passkey", record: passkey }],
        [record("passkey.added", person.id, { passkey: passkey.id, rp_id: passkey.rp_id, name })],
      );
      registry.putPasskey(passkey);
    });
    return this.list(personId);
  }

  /** The last way to sign in stays. */
  async remove(personId: string, session: string, id: string): Promise<void> {
    this.#parts.sessions.requireFresh(session);
    const { store, registry, inTurn } = this.#parts;
    await inTurn(async () => {
      const person = this.#find(personId);
      if (registry.passkey(id)?.person !== personId) {
        throw new GatewayError("not_found", "You have no such passkey.", {
          hint: "GET /session/passkeys lists yours.",
        });
      }
      if (registry.passkeysOf(personId).length === 1 && person.password === undefined) {
        throw new GatewayError("state_changed", "This is your only way to sign in.", {
          hint: "Add another passkey first.",
        });
      }
      await store.apply(
        [{ drop: "passkey", id }],
        [record("passkey.removed", personId, { passkey: id })],
      );
      registry.dropPasskey(id);
    });
  }

  #find(personId: string): PersonRecord {
    const person = this.#parts.registry.find(personId);
    if (person === undefined) throw gone("session");
    return person;
  }
}
