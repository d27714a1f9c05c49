import { GatewayError } from "../contract/errors.ts";

/** Wrong passwords that cost nothing yet: people mistype. */
const FREE = 5;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Without a wrong one for so long, an account starts afresh. */
const FORGET_MS = 15 * 60_000;
/** Wrong passwords a minute over all accounts. */
const OVERALL = 60;
const MINUTE_MS = 60_000;
const MAX_ACCOUNTS = 10_000;

interface Account {
  failures: number;
  /** ms: attempts before it are refused. */
  until: number;
  at: number;
}

/**
 * Slows guessing down, per account and over all. It knows ids only as they are typed, so that one
 * that exists is treated as one that does not. Waits stay short enough not to lock anybody out.
 */
export class GuessBrake {
  readonly #accounts = new Map<string, Account>();
  readonly #now: () => number;
  #overall = { from: 0, failures: 0 };

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Throws `rate_limited`. Counts the attempt as failed until `succeeded` says otherwise. */
  begin(id: string): void {
    const now = this.#now();
    if (now - this.#overall.from >= MINUTE_MS) this.#overall = { from: now, failures: 0 };
    const account = this.#accounts.get(id);
    const wait = Math.max(
      (account?.until ?? 0) - now,
      this.#overall.failures >= OVERALL ? this.#overall.from + MINUTE_MS - now : 0,
    );
    if (wait > 0) {
      throw new GatewayError(
        "rate_limited",
        "Too many wrong passwords: the next one has to wait.",
        {
          retry_after: Math.ceil(wait / 1000),
          hint: "Wait as long as Retry-After says, or sign in with a passkey.",
        },
      );
    }
    this.#overall.failures++;
    this.#count(id, now, account);
  }

  /** The pause begins when the answer leaves: checking takes its own time. */
  failed(id: string): void {
    const account = this.#accounts.get(id);
    if (account !== undefined) account.until = this.#now() + pauseAfter(account.failures);
  }

  succeeded(id: string): void {
    this.#accounts.delete(id);
    this.#overall.failures = Math.max(0, this.#overall.failures - 1);
  }

  /** Whether this attempt was the one from which the account is slowed down. */
  hasJustSlowed(id: string): boolean {
    return this.#accounts.get(id)?.failures === FREE;
  }

  #count(id: string, now: number, before: Account | undefined): void {
    const failures = before === undefined || now - before.at > FORGET_MS ? 1 : before.failures + 1;
    // In order of use: the one unused for longest goes first.
    this.#accounts.delete(id);
    this.#accounts.set(id, { failures, until: now + pauseAfter(failures), at: now });
    if (this.#accounts.size <= MAX_ACCOUNTS) return;
    const oldest = this.#accounts.keys().next();
    if (!oldest.done) this.#accounts.delete(oldest.value);
  }
}

/** ms */
function pauseAfter(failures: number): number {
  if (failures < FREE) return 0;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - FREE));
}
