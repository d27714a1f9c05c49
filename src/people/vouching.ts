import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import { PERSON_PREFIX } from "../contract/people.ts";
import type { HostVouches } from "./host-vouches.ts";
import type { PeopleParts } from "./people-parts.ts";
import { HOST, type PersonRecord } from "./people-store.ts";
import { toldTo } from "./person-registry.ts";

/**
 * Whoever saw a one-time link may have opened it. So both count as one person where a plan takes two
 * approvals, until somebody who cannot be either of them says that they are two.
 */
export class Vouching {
  readonly #parts: PeopleParts;
  readonly #host: HostVouches;
  #importing: Promise<void> = Promise.resolve();

  constructor(parts: PeopleParts, host: HostVouches) {
    this.#parts = parts;
    this.#host = host;
  }

  /** Throws `not_found`, and `same_approver` where the voucher may be who is vouched for. */
  async vouch(id: string, keyId: string): Promise<void> {
    const { registry, inTurn } = this.#parts;
    await inTurn(async () => {
      const person = registry.find(id);
      if (person === undefined) {
        throw new GatewayError("not_found", "Nobody here has this sign-in name.", {
          hint: "GET /people lists everybody.",
        });
      }
      const [shared] = registry
        .handsOf([keyId])
        .intersection(registry.handsOf([PERSON_PREFIX + person.id]));
      if (shared !== undefined) throw mayBeOne(person, shared === keyId ? "you" : shared);
      await this.#put(person, keyId);
    });
  }

  /** Takes over what the command line put down on the host, with a record of it. */
  importHostVouches(): Promise<void> {
    this.#importing = this.#importing.catch(() => {}).then(() => this.#importAll());
    return this.#importing;
  }

  async #importAll(): Promise<void> {
    const { registry, inTurn } = this.#parts;
    for (const { record, remove } of this.#host.read()) {
      await inTurn(async () => {
        const person = registry.find(record.person);
        if (person !== undefined) await this.#put(person, null);
      });
      remove();
    }
  }

  async #put(person: PersonRecord, by: string | null): Promise<void> {
    const { store, registry, now } = this.#parts;
    const vouched: PersonRecord = { ...person, told_to: [] };
    const details = {
      person: person.id,
      told_to: toldTo(person),
      ...(by === null && { by: HOST }),
    };
    const audit: AuditDraft = {
      type: "person.vouched",
      key_id: by,
      time: new Date(now()).toISOString(),
      details,
    };
    await store.apply([{ put: "person", record: vouched }], [audit]);
    registry.put(vouched);
  }
}

function mayBeOne({ name }: PersonRecord, shared: string): GatewayError {
  return new GatewayError(
    "same_approver",
    `You and ${name} may be one person: ${shared} saw a link that let one of you in.`,
    {
      hint: "Somebody vouches who had no part in it: another operator, or `people vouch ID` on the host.",
    },
  );
}
