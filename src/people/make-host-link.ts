import type { LinkView, PersonRole } from "../contract/people.ts";
import { randomId } from "../lib/random-id.ts";
import { hostLinks } from "./host-links.ts";
import { LINK_TTL_MS, linkUrl } from "./links.ts";
import { newSecret } from "./one-time-secret.ts";

export interface HostLinkRequest {
  readonly purpose: "invite" | "recovery";
  readonly role: PersonRole;
  /** Whom a recovery is for. */
  readonly person?: string;
  /** What a new person is called. */
  readonly name?: string;
  /** Where the console is, without a slash at the end. */
  readonly base: string;
}

/** A one-time link made on the host, which the gateway takes over when it runs. */
export function makeHostLink(dataDir: string, { base, ...wanted }: HostLinkRequest): LinkView {
  const { secret, hash } = newSecret();
  const expires = Date.now() + LINK_TTL_MS[wanted.purpose];
  const id = randomId();
  hostLinks(dataDir).put(id, {
    id,
    hash,
    ...wanted,
    made_by: null,
    expires_at: expires,
  });
  return { url: linkUrl(base, secret), expires_at: new Date(expires).toISOString() };
}
