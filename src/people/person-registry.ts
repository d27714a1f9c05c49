import { PERSON_PREFIX, type PersonView } from "../contract/people.ts";
import type { Principal, Scope } from "../contract/principal.ts";
import { HOST, type PasskeyRecord, type PeopleState, type PersonRecord } from "./people-store.ts";

/** What a person may with the HTTP interface; what operators may besides, routes say. */
const SCOPES: ReadonlySet<Scope> = new Set(["confirm", "read"]);

/** Everybody who may sign in, in memory. It follows the store: whoever writes there tells it. */
export class PersonRegistry {
  readonly #people = new Map<string, PersonRecord>();
  readonly #passkeys = new Map<string, PasskeyRecord>();
  readonly #principals = new Map<string, Principal>();

  constructor({ person, passkey }: Pick<PeopleState, "person" | "passkey">) {
    for (const record of person) this.put(record);
    for (const record of passkey) this.putPasskey(record);
  }

  /** By `person:ID`; undefined where there is nobody of that id any more. */
  principal(keyId: string): Principal | undefined {
    return this.#principals.get(keyId);
  }

  find(id: string): PersonRecord | undefined {
    const person = this.#people.get(id);
    return person?.removed_at === undefined ? person : undefined;
  }

  /** Ids are never given twice, not even after their person is gone. */
  isTaken(id: string): boolean {
    return this.#people.has(id);
  }

  all(): PersonRecord[] {
    return [...this.#people.values()].filter(({ removed_at }) => removed_at === undefined);
  }

  get operators(): number {
    return this.all().filter(({ role }) => role === "operator").length;
  }

  passkey(id: string): PasskeyRecord | undefined {
    return this.#passkeys.get(id);
  }

  passkeysOf(person: string): PasskeyRecord[] {
    return [...this.#passkeys.values()].filter((passkey) => passkey.person === person);
  }

  /**
   * Everybody who may be one human with the holders of these key ids: whoever saw the links that let
   * them in, whoever saw those people's links, and so on. It goes through people who were removed:
   * removing the one between must not make two of one.
   */
  handsOf(keyIds: readonly string[]): ReadonlySet<string> {
    const hands = new Set(keyIds);
    // A set that grows while it is walked gives what was added too.
    for (const hand of hands) {
      if (!hand.startsWith(PERSON_PREFIX)) continue;
      const person = this.#people.get(hand.slice(PERSON_PREFIX.length));
      for (const keyId of person === undefined ? [] : toldTo(person)) hands.add(keyId);
    }
    return hands;
  }

  put(person: PersonRecord): void {
    this.#people.set(person.id, person);
    const keyId = PERSON_PREFIX + person.id;
    if (person.removed_at === undefined) this.#principals.set(keyId, principalOf(keyId, person));
    else this.#principals.delete(keyId);
  }

  putPasskey(passkey: PasskeyRecord): void {
    this.#passkeys.set(passkey.id, passkey);
  }

  dropPasskey(id: string): void {
    this.#passkeys.delete(id);
  }
}

export function viewOf({ id, name, role }: PersonRecord): PersonView {
  return { id, name, role };
}

export function toldTo({ told_to }: PersonRecord): readonly string[] {
  return told_to ?? [HOST];
}

function principalOf(keyId: string, person: PersonRecord): Principal {
  return Object.freeze({
    keyId,
    scheme: "session" as const,
    scopes: SCOPES,
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
    person: Object.freeze(viewOf(person)),
  });
}
