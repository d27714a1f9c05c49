import { GatewayError } from "../contract/errors.ts";
import {
  type LinkView,
  PERSON_PREFIX,
  type PeopleList,
  type PersonRole,
} from "../contract/people.ts";
import { nameOf, type PeopleParts } from "./people-parts.ts";
import type { PersonRecord } from "./people-store.ts";

/** What operators do about people: invite, give access back, remove. */
export class PeopleAdmin {
  readonly #parts: PeopleParts;
  readonly #onRemoved: (person: string) => void;

  constructor(parts: PeopleParts, onRemoved: (person: string) => void) {
    this.#parts = parts;
    this.#onRemoved = onRemoved;
  }

  list(): PeopleList {
    const { registry, links } = this.#parts;
    return {
      people: registry.all().map((person) => this.#entry(person)),
      invitations: links
        .list()
        .filter(({ purpose }) => purpose === "invite")
        .map(({ id, role, name, expires_at }) => ({
          id,
          role,
          ...(name !== undefined && { name }),
          expires_at: new Date(expires_at).toISOString(),
        })),
    };
  }

  invite(role: PersonRole, name: string | undefined, keyId: string): Promise<LinkView> {
    this.#refuseMoreLinks();
    const named = name === undefined ? {} : { name: nameOf(name) };
    return this.#parts.links.make({ purpose: "invite", role, ...named }, keyId);
  }

  recover(id: string, keyId: string): Promise<LinkView> {
    this.#refuseMoreLinks();
    const { role } = this.#find(id);
    return this.#parts.links.make({ purpose: "recovery", role, person: id }, keyId);
  }

  async withdraw(id: string, keyId: string): Promise<void> {
    const { links } = this.#parts;
    if (links.get(id)?.purpose !== "invite") {
      throw new GatewayError("not_found", "There is no such invitation.", {
        hint: "It may have been accepted, or be over: GET /people lists those that wait.",
      });
    }
    await links.withdraw(id, keyId);
  }

  /** Ends everything of theirs. Throws `not_found`, and `state_changed` for the last operator. */
  async remove(id: string, keyId: string): Promise<void> {
    const { store, registry, sessions, links, inTurn, announceRevoked } = this.#parts;
    await inTurn(async () => {
      const person = this.#find(id);
      if (person.role === "operator" && registry.operators === 1) {
        throw new GatewayError("state_changed", `${person.name} is the last operator.`, {
          hint: "Invite another operator first.",
        });
      }
      const { password: _, ...kept } = person;
      const removed = { ...kept, removed_at: new Date(this.#parts.now()).toISOString() };
      const passkeys = registry.passkeysOf(id);
      const theirSessions = sessions.of(id);
      const theirLinks = links.of(id);
      const ending = sessions.ending(theirSessions, "revoked");
      await store.apply(
        [
          { put: "person", record: removed },
          ...passkeys.map((passkey) => ({ drop: "passkey" as const, id: passkey.id })),
          ...theirLinks.map((link) => ({ drop: "link" as const, id: link.id })),
          ...ending.changes,
        ],
        [
          {
            type: "person.removed",
            key_id: keyId,
            time: removed.removed_at,
            details: { person: id, role: person.role },
          },
          ...ending.audit,
        ],
      );
      registry.put(removed);
      for (const passkey of passkeys) registry.dropPasskey(passkey.id);
      for (const link of theirLinks) links.forget(link.id);
      this.#onRemoved(id);
      for (const session of theirSessions) sessions.forget(session);
      announceRevoked(PERSON_PREFIX + id);
    });
  }

  #entry(person: PersonRecord): PeopleList["people"][number] {
    const { registry, sessions } = this.#parts;
    const keyId = PERSON_PREFIX + person.id;
    const seen = Math.max(
      Date.parse(person.signed_in_at ?? person.created_at),
      ...sessions.of(person.id).map(({ seen_at }) => seen_at),
    );
    return {
      id: person.id,
      name: person.name,
      role: person.role,
      created_at: person.created_at,
      last_seen_at: new Date(seen).toISOString(),
      passkeys: registry.passkeysOf(person.id).length,
      has_password: person.password !== undefined,
      counts_as_one_with: [...registry.handsOf([keyId])].filter((hand) => hand !== keyId).sort(),
    };
  }

  #find(id: string): PersonRecord {
    const person = this.#parts.registry.find(id);
    if (person !== undefined) return person;
    throw new GatewayError("not_found", "Nobody here has this sign-in name.", {
      hint: "GET /people lists everybody.",
    });
  }

  #refuseMoreLinks(): void {
    if (!this.#parts.links.isFull) return;
    throw new GatewayError("rate_limited", "Too many links wait to be opened.", {
      retry_after: 60,
      hint: "Withdraw invitations that are not needed.",
    });
  }
}
