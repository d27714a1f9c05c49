import { PERSON_PREFIX, type SessionView } from "../contract/people.ts";
import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { Enrolments } from "./enrolments.ts";
import { gone } from "./gone.ts";
import { hostLinks } from "./host-links.ts";
import { hostVouches } from "./host-vouches.ts";
import { Links } from "./links.ts";
import { type Addresses, OwnOrigins, relyingPartyOf } from "./own-origins.ts";
import { OwnPasskeys } from "./own-passkeys.ts";
import { Passwords } from "./passwords.ts";
import { PeopleAdmin } from "./people-admin.ts";
import type { PeopleParts } from "./people-parts.ts";
import type { PeopleState, PeopleStore } from "./people-store.ts";
import { PersonRegistry, viewOf } from "./person-registry.ts";
import { Sessions } from "./sessions.ts";
import { SignIn } from "./sign-in.ts";
import { StepUp } from "./step-up.ts";
import { Vouching } from "./vouching.ts";

export interface PeopleOptions {
  readonly store: PeopleStore;
  readonly dataDir: string;
  readonly addresses: () => Addresses;
  readonly policy: () => Policy;
  readonly onError: (error: unknown) => void;
  /** ms since the epoch; for tests. */
  readonly now?: () => number;
}

export interface SignedIn {
  readonly principal: Principal;
  readonly sessionId: string;
}

const SWEEP_MS = 10_000;

/** Everything about people: who there is, how they sign in, what ends it. */
export class People implements Disposable {
  readonly origins: OwnOrigins;
  readonly enrolments: Enrolments;
  readonly signIn: SignIn;
  readonly passkeys: OwnPasskeys;
  readonly admin: PeopleAdmin;
  readonly stepUp: StepUp;
  readonly vouching: Vouching;
  readonly #parts: PeopleParts;
  readonly #policy: () => Policy;
  readonly #revoked = new Set<(keyId: string) => void>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: PeopleOptions, state: PeopleState) {
    const { store, onError, now = Date.now, policy } = options;
    this.origins = new OwnOrigins(options.addresses);
    let last: Promise<unknown> = Promise.resolve();
    this.#parts = {
      store,
      now,
      registry: new PersonRegistry(state),
      sessions: new Sessions({ store, now, onError }, state.session),
      links: new Links(
        {
          store,
          hostLinks: hostLinks(options.dataDir, (file) =>
            onError(new Error(`${file} in DATA_DIR/links is no link made by this program`)),
          ),
          base: () => this.origins.linkBase,
          now,
        },
        state.link,
      ),
      passwords: new Passwords(),
      inTurn: (work) => {
        const done = last.then(work);
        last = done.catch(() => {});
        return done;
      },
      announceRevoked: (keyId) => {
        for (const listener of this.#revoked) listener(keyId);
      },
    };
    this.#policy = policy;
    this.enrolments = new Enrolments(this.#parts);
    this.signIn = new SignIn(this.#parts);
    this.passkeys = new OwnPasskeys(this.#parts);
    this.admin = new PeopleAdmin(this.#parts, (person) => this.enrolments.forget(person));
    this.stepUp = new StepUp(this.#parts, policy);
    this.vouching = new Vouching(
      this.#parts,
      hostVouches(options.dataDir, (file) =>
        onError(new Error(`${file} in DATA_DIR/vouches was not made by this program`)),
      ),
    );
    this.#timer = setInterval(() => this.sweep().catch(onError), SWEEP_MS).unref();
  }

  /** By `person:ID`; undefined where there is no such person any more. */
  principal(keyId: string): Principal | undefined {
    return this.#parts.registry.principal(keyId);
  }

  /** Everybody who may be one human with the holders of these key ids; see PersonRegistry. */
  handsOf(keyIds: readonly string[]): ReadonlySet<string> {
    return this.#parts.registry.handsOf(keyIds);
  }

  /** Whose session a cookie's value opens. Counts as use of it. */
  use(token: string): SignedIn | undefined {
    const session = this.#parts.sessions.use(token);
    const principal = session && this.principal(PERSON_PREFIX + session.person);
    return session && principal && { principal, sessionId: session.id };
  }

  isSignedIn(sessionId: string): boolean {
    return this.#parts.sessions.get(sessionId) !== undefined;
  }

  /** Throws `scope_missing` unless the session's person has just proved who they are. */
  requireFresh(sessionId: string): void {
    this.#parts.sessions.requireFresh(sessionId);
  }

  /** Throws `token_invalid` where the session has ended. */
  view(sessionId: string, origin: string | undefined): SessionView {
    const { registry, sessions } = this.#parts;
    const session = sessions.get(sessionId);
    const person = session && registry.find(session.person);
    if (session === undefined || person === undefined) throw gone("session");
    return {
      person: viewOf(person),
      expires_at: new Date(sessions.endsAt(session)).toISOString(),
      passkeys: registry.passkeysOf(person.id).length,
      has_password: person.password !== undefined,
      passkeys_possible: origin !== undefined && relyingPartyOf(origin) !== undefined,
      fresh_passkey_from: this.#policy().passkey,
    };
  }

  signOut(sessionId: string): Promise<void> {
    return this.#parts.sessions.end(sessionId, "signed_out");
  }

  /** The link for who comes first, while there is no operator. */
  firstLink(): { readonly url: string; readonly expires_at: string } | undefined {
    return this.#parts.registry.operators > 0 ? undefined : this.#parts.links.makeFirst();
  }

  /**
   * Calls back with the key id of each person who is removed or given other credentials, after
   * that: what they began must not outlive it. Returns the function that ends it.
   */
  onRevoked(listener: (keyId: string) => void): () => void {
    this.#revoked.add(listener);
    return () => this.#revoked.delete(listener);
  }

  /** Calls back with each session that ends, however. Returns the function that ends it. */
  onSessionEnded(listener: (sessionId: string, keyId: string) => void): () => void {
    return this.#parts.sessions.onEnded(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Ends what is over, takes over links of the host; done by itself every few seconds. */
  async sweep(): Promise<void> {
    await this.#parts.sessions.sweep();
    await this.#parts.links.importHostLinks();
    await this.vouching.importHostVouches();
    await this.#parts.links.sweep();
  }
}
