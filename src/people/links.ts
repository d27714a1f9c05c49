import type { AuditDraft } from "../contract/audit.ts";
import type { LinkPurpose, LinkView, PersonRole } from "../contract/people.ts";
import { randomId } from "../lib/random-id.ts";
import type { HostLinks } from "./host-links.ts";
import { hashOf, newSecret } from "./one-time-secret.ts";
import type { LinkRecord, PeopleStore } from "./people-store.ts";

const HOUR_MS = 60 * 60_000;
/** How long a link may be opened, by what it is for. */
export const LINK_TTL_MS: Readonly<Record<LinkPurpose, number>> = {
  first_operator: HOUR_MS,
  invite: 24 * HOUR_MS,
  recovery: HOUR_MS,
};
/** Links that wait at the same time. */
const MAX_LINKS = 200;

export interface LinksOptions {
  readonly store: PeopleStore;
  readonly hostLinks: HostLinks;
  /** Where links lead, without a slash at the end. */
  readonly base: () => string;
  readonly now: () => number;
}

interface Wanted {
  readonly purpose: LinkPurpose;
  readonly role: PersonRole;
  readonly person?: string;
  readonly name?: string;
}

/** One-time links: made, listed, opened once. Only the hash of what opens one is kept. */
export class Links {
  readonly #options: LinksOptions;
  readonly #links: Map<string, LinkRecord>;
  /** Of the host's links, those taken over: a file that cannot be removed opens nothing again. */
  readonly #imported = new Set<string>();
  #importing: Promise<void> = Promise.resolve();

  constructor(options: LinksOptions, records: readonly LinkRecord[]) {
    this.#options = options;
    this.#links = new Map(records.map((record) => [record.id, record]));
  }

  get isFull(): boolean {
    return this.list().length >= MAX_LINKS;
  }

  /** Those that can still be opened. */
  list(): LinkRecord[] {
    return [...this.#links.values()].filter(({ expires_at }) => expires_at > this.#options.now());
  }

  get(id: string): LinkRecord | undefined {
    return this.#links.get(id);
  }

  /** An earlier recovery of the same person is void. */
  async make(wanted: Wanted, madeBy: string): Promise<LinkView> {
    const { view, record } = this.#new(wanted, madeBy);
    const void_ = this.#recoveriesOf(wanted.person);
    const type = wanted.purpose === "recovery" ? "person.recovery_made" : "person.invited";
    await this.#options.store.apply(
      [...void_.map(({ id }) => ({ drop: "link" as const, id })), { put: "link", record }],
      [draft(type, record)],
    );
    for (const { id } of void_) this.#links.delete(id);
    this.#links.set(record.id, record);
    return view;
  }

  /** In memory alone: whoever starts the program anew is shown another. */
  makeFirst(): LinkView {
    for (const { id, purpose } of this.#links.values()) {
      if (purpose === "first_operator") this.#links.delete(id);
    }
    const { view, record } = this.#new({ purpose: "first_operator", role: "operator" }, null);
    this.#links.set(record.id, record);
    return view;
  }

  /** Uses a link up; undefined where there is none, or not any more. */
  async open(token: string, ip: string): Promise<LinkRecord | undefined> {
    const hash = hashOf(token);
    const here = this.#take(hash);
    // Made on the host a moment ago, perhaps.
    if (here === undefined) await this.importHostLinks();
    const link = here ?? this.#take(hash);
    if (link === undefined) return undefined;
    await this.#options.store.apply(
      [{ drop: "link", id: link.id }],
      [
        {
          type: "link.opened",
          key_id: null,
          time: new Date().toISOString(),
          details: { link: link.id, purpose: link.purpose, ...personOf(link), ip },
        },
      ],
    );
    return link.expires_at > this.#options.now() ? link : undefined;
  }

  async withdraw(id: string, keyId: string): Promise<void> {
    this.#links.delete(id);
    await this.#options.store.apply(
      [{ drop: "link", id }],
      [
        {
          type: "person.invitation_withdrawn",
          key_id: keyId,
          time: new Date().toISOString(),
          details: { link: id },
        },
      ],
    );
  }

  /** Of a person who is gone: for a commit of other changes; `forget` them after it. */
  of(person: string): LinkRecord[] {
    return [...this.#links.values()].filter((link) => link.person === person);
  }

  forget(id: string): void {
    this.#links.delete(id);
  }

  /** Takes over what the command line put down on the host, with a record of it. */
  importHostLinks(): Promise<void> {
    // One after the other: two who read the same file would bring back a link that was opened between.
    this.#importing = this.#importing.catch(() => {}).then(() => this.#importAll());
    return this.#importing;
  }

  async #importAll(): Promise<void> {
    for (const { record, remove } of this.#options.hostLinks.read()) {
      if (record.expires_at > this.#options.now() && !this.#imported.has(record.id)) {
        const type = record.purpose === "recovery" ? "person.recovery_made" : "person.invited";
        await this.#options.store.apply([{ put: "link", record }], [draft(type, record)]);
        this.#links.set(record.id, record);
        this.#imported.add(record.id);
      }
      remove();
    }
  }

  /** Forgets those whose time is over. */
  async sweep(): Promise<void> {
    const over = [...this.#links.values()].filter(
      ({ expires_at }) => expires_at <= this.#options.now(),
    );
    for (const { id } of over) this.#links.delete(id);
    const changes = over.map(({ id }) => ({ drop: "link" as const, id }));
    if (changes.length > 0) await this.#options.store.apply(changes, []);
  }

  #take(hash: string): LinkRecord | undefined {
    const link = [...this.#links.values()].find((candidate) => candidate.hash === hash);
    // Out of reach before anything is waited for: of two who come at once, one is late.
    if (link !== undefined) this.#links.delete(link.id);
    return link;
  }

  #recoveriesOf(person: string | undefined): LinkRecord[] {
    return person === undefined ? [] : this.of(person);
  }

  #new(wanted: Wanted, madeBy: string | null): { view: LinkView; record: LinkRecord } {
    const { secret, hash } = newSecret();
    const expires = this.#options.now() + LINK_TTL_MS[wanted.purpose];
    return {
      view: {
        url: linkUrl(this.#options.base(), secret),
        expires_at: new Date(expires).toISOString(),
      },
      record: { id: randomId(), hash, ...wanted, made_by: madeBy, expires_at: expires },
    };
  }
}

/** The token stands in the fragment, which no browser sends to a server. */
export function linkUrl(base: string, token: string): string {
  return `${base}/console#link=${token}`;
}

function draft(type: string, record: LinkRecord): AuditDraft {
  const { id, role, name, made_by, expires_at } = record;
  return {
    type,
    key_id: made_by,
    time: new Date().toISOString(),
    details: {
      link: id,
      role,
      ...(name !== undefined && { name }),
      ...personOf(record),
      ...(made_by === null && { by: "host" }),
      expires_at: new Date(expires_at).toISOString(),
    },
  };
}

function personOf({ person }: LinkRecord) {
  return person === undefined ? {} : { person };
}
