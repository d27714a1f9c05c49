import { randomBytes } from "node:crypto";
import { GatewayError } from "../contract/errors.ts";
import type { EnrolmentView, EnrolRequest } from "../contract/people.ts";
import { gone } from "./gone.ts";
import { hashOf, newSecret } from "./one-time-secret.ts";
import { relyingPartyOf } from "./own-origins.ts";
import { type Caller, nameOf, noPasskeysHere, type PeopleParts, record } from "./people-parts.ts";
import {
  HOST,
  type LinkRecord,
  type PasskeyRecord,
  type PeopleChange,
  type PersonRecord,
} from "./people-store.ts";
import { personIdOf } from "./person-id.ts";
import { toldTo } from "./person-registry.ts";
import type { NewSession } from "./sessions.ts";
import { ShortLived } from "./short-lived.ts";
import { creationOptions, type Expected, verifyCreation } from "./webauthn.ts";

const TTL_MS = 15 * 60_000;
const MAX_ENROLMENTS = 1000;
/** Nobody needs more people than this to approve; a stolen session must not fill the disk. */
const MAX_PEOPLE = 500;

interface Enrolment {
  readonly link: LinkRecord;
  /** Of the person to be. */
  readonly handle: string;
  /** What the passkey that is being made is held against. */
  expected?: Expected;
}

/** From a one-time link to a person who is signed in. */
export class Enrolments {
  readonly #parts: PeopleParts;
  readonly #open: ShortLived<Enrolment>;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#open = new ShortLived({ ttlMs: TTL_MS, max: MAX_ENROLMENTS, now: parts.now });
  }

  /** Uses the link up. Throws `token_invalid`: the same for one that is used, over, or never was. */
  async openLink(token: string, { origin, ip }: Caller): Promise<EnrolmentView> {
    const link = await this.#parts.links.open(token, ip);
    if (link === undefined) throw gone("link");
    const person = this.#personOf(link);
    const { secret, hash } = newSecret();
    const handle = person?.handle ?? randomBytes(32).toString("base64url");
    const until = this.#open.put(hash, { link, handle });
    return {
      purpose: link.purpose,
      role: link.role,
      ...(person !== undefined && { person: { id: person.id, name: person.name } }),
      ...(link.name !== undefined && { name: link.name }),
      enrolment: secret,
      expires_at: new Date(until).toISOString(),
      passkeys_possible: relyingPartyOf(origin) !== undefined,
    };
  }

  /** For navigator.credentials.create. Throws `token_invalid`, `invalid_request`. */
  async options(
    secret: string,
    name: string | undefined,
    { origin }: Caller,
  ): Promise<Record<string, unknown>> {
    const enrolment = this.#find(secret);
    const rpId = relyingPartyOf(origin);
    if (rpId === undefined) throw noPasskeysHere();
    const challenge = new Uint8Array(randomBytes(32));
    enrolment.expected = { challenge: Buffer.from(challenge).toString("base64url"), origin, rpId };
    const shown = this.#personOf(enrolment.link)?.name ?? this.#nameFor(enrolment.link, name);
    return creationOptions({
      rpId,
      challenge,
      handle: enrolment.handle,
      name: shown,
      existing: [],
    });
  }

  /** Makes the person, or gives them new credentials, and signs them in. */
  async enrol(request: EnrolRequest, { ip }: Caller): Promise<NewSession> {
    const enrolment = this.#find(request.enrolment);
    const { link, handle } = enrolment;
    const name = this.#personOf(link)?.name ?? this.#nameFor(link, request.name);
    const credential = await this.#credentialOf(request, enrolment);
    return this.#parts.inTurn(async () => {
      // Of two who come at once with the same enrolment, one is late.
      if (this.#open.take(hashOf(request.enrolment)) === undefined) throw gone("enrolment");
      const before = this.#personOf(link);
      if (before === undefined) this.#refuseMore();
      const id = before?.id ?? personIdOf(name, (taken) => this.#parts.registry.isTaken(taken));
      const person: PersonRecord = {
        id,
        name,
        role: before?.role ?? link.role,
        handle,
        created_at: before?.created_at ?? new Date(this.#parts.now()).toISOString(),
        signed_in_at: new Date(this.#parts.now()).toISOString(),
        // Whoever saw the link may be who opened it, and stays so when another makes the next one.
        told_to: [...new Set([...(before ? toldTo(before) : []), link.made_by ?? HOST])],
        ...(credential.password !== undefined && { password: credential.password }),
      };
      const passkey = credential.passkey && { ...credential.passkey, person: id };
      return this.#commit(link, person, passkey, ip);
    });
  }

  /** A link for somebody who is gone opens nothing any more. */
  forget(person: string): void {
    this.#open.drop(({ link }) => link.person === person);
  }

  async #commit(
    link: LinkRecord,
    person: PersonRecord,
    passkey: PasskeyRecord | undefined,
    ip: string,
  ): Promise<NewSession> {
    const { store, registry, sessions, announceRevoked } = this.#parts;
    // Whoever recovers may have lost what was there before to somebody: it ends.
    const isRecovery = link.purpose === "recovery";
    const oldPasskeys = registry.passkeysOf(person.id);
    const oldSessions = sessions.of(person.id);
    const ending = sessions.ending(oldSessions, "replaced");
    const session = sessions.prepare(person.id, "link", ip);
    const changes: PeopleChange[] = [
      { put: "person", record: person },
      ...oldPasskeys.map(({ id }) => ({ drop: "passkey" as const, id })),
      ...(passkey === undefined ? [] : [{ put: "passkey" as const, record: passkey }]),
      ...ending.changes,
      { put: "session", record: session.record },
    ];
    await store.apply(changes, [
      record(isRecovery ? "person.recovered" : "person.enrolled", person.id, {
        role: person.role,
        name: person.name,
        link: link.id,
        purpose: link.purpose,
      }),
      ...oldPasskeys.map(({ id }) => record("passkey.removed", person.id, { passkey: id })),
      passkey === undefined
        ? record("password.set", person.id, {})
        : record("passkey.added", person.id, { passkey: passkey.id, rp_id: passkey.rp_id }),
      ...ending.audit,
      session.audit,
    ]);
    registry.put(person);
    for (const { id } of oldPasskeys) registry.dropPasskey(id);
    if (passkey !== undefined) registry.putPasskey(passkey);
    for (const old of oldSessions) sessions.forget(old);
    if (isRecovery) announceRevoked(session.audit.key_id ?? "");
    sessions.begin(session);
    return session;
  }

  async #credentialOf(
    { passkey, password }: EnrolRequest,
    enrolment: Enrolment,
  ): Promise<{ passkey?: PasskeyRecord; password?: string }> {
    if ((passkey === undefined) === (password === undefined)) {
      throw new GatewayError("invalid_request", "Enrolling takes either a passkey or a password.", {
        hint: "Send one of `passkey` and `password`.",
      });
    }
    if (passkey === undefined)
      return { password: await this.#parts.passwords.hash(password ?? "") };
    const { expected } = enrolment;
    // A challenge is answered once, whatever the answer.
    delete enrolment.expected;
    if (expected === undefined) throw gone("challenge");
    const made = await verifyCreation(passkey, expected);
    this.#refuseKnown(made.id);
    return {
      passkey: {
        ...made,
        person: "",
        name: "Passkey",
        rp_id: expected.rpId,
        created_at: new Date(this.#parts.now()).toISOString(),
      },
    };
  }

  #refuseKnown(id: string): void {
    if (this.#parts.registry.passkey(id) === undefined) return;
    throw new GatewayError("state_changed", "This passkey is another person's already.", {
      hint: "Make a new one.",
    });
  }

  #refuseMore(): void {
    if (this.#parts.registry.all().length < MAX_PEOPLE) return;
    throw new GatewayError("state_changed", `There are ${MAX_PEOPLE} people already.`, {
      hint: "An operator removes those who are not needed any more.",
    });
  }

  #find(secret: string): Enrolment {
    const enrolment = this.#open.get(hashOf(secret));
    if (enrolment === undefined) throw gone("enrolment");
    return enrolment;
  }

  /** Whom a recovery is for. Throws `token_invalid` where a link has lost its reason. */
  #personOf(link: LinkRecord): PersonRecord | undefined {
    const { registry } = this.#parts;
    if (link.purpose === "first_operator" && registry.operators > 0) throw gone("link");
    if (link.purpose !== "recovery") return undefined;
    const person = link.person === undefined ? undefined : registry.find(link.person);
    if (person === undefined) throw gone("link");
    return person;
  }

  #nameFor(link: LinkRecord, chosen: string | undefined): string {
    const name = chosen ?? link.name;
    if (name !== undefined) return nameOf(name);
    throw new GatewayError("invalid_request", "Somebody who enrols needs a name.", {
      hint: "Send `name`: 1 to 60 characters, shown wherever they decide.",
    });
  }
}
