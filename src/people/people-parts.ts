import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import { PERSON_PREFIX } from "../contract/people.ts";
import { makeVisible } from "../lib/inert.ts";
import type { Links } from "./links.ts";
import type { Passwords } from "./passwords.ts";
import type { PeopleStore } from "./people-store.ts";
import type { PersonRegistry } from "./person-registry.ts";
import type { Sessions } from "./sessions.ts";

/** What the parts of this room share. */
export interface PeopleParts {
  readonly store: PeopleStore;
  readonly registry: PersonRegistry;
  readonly sessions: Sessions;
  readonly links: Links;
  readonly passwords: Passwords;
  /** Changes of who there is happen one after the other: each looks before it writes. */
  readonly inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Tells whoever listens that what this person began is void. */
  readonly announceRevoked: (keyId: string) => void;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Where a request for a person comes from: proven to be one of the gateway's own addresses. */
export interface Caller {
  readonly origin: string;
  readonly ip: string;
}

export function record(type: string, person: string, details: Record<string, unknown>): AuditDraft {
  return { type, key_id: PERSON_PREFIX + person, time: new Date().toISOString(), details };
}

/** A name as it is kept. Throws `invalid_request` where it would look like another, or like nothing. */
export function nameOf(text: string): string {
  const name = text.normalize("NFC").trim();
  if (name !== "" && makeVisible(name) === name) return name;
  throw new GatewayError("invalid_request", "That is no name that can be shown.", {
    hint: "1 to 60 visible characters.",
  });
}

export function noPasskeysHere(): GatewayError {
  return new GatewayError(
    "invalid_request",
    "Passkeys cannot be used at this address: it is an IP address, or has no TLS.",
    { hint: "Use a password, or open the console under localhost or an https name (PUBLIC_URL)." },
  );
}
