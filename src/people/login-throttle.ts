import { isIPv6 } from "node:net";
import { GatewayError } from "../contract/errors.ts";

/** Wrong passwords that cost nothing yet: people mistype. */
const FREE = 5;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
/** Without a wrong one for so long, an account or address starts afresh. */
const FORGET_MS = 15 * 60_000;
/** Wrong passwords of one address, for whichever accounts, from which on it waits for its turn. */
const MAX_FREE_OF_ADDRESS = 20;
/** Wrong passwords a minute over all, from which on everybody waits for their turn. */
const MAX_OVERALL = 60;
const MINUTE_MS = 60_000;
/** Between two turns. */
const TURN_MS = 1000;
/** Attempts that wait for their turn: of one address, and in all. */
const MAX_WAITING_OF_ADDRESS = 2;
const MAX_WAITING = 20;
/** Passwords of one address that are being checked at the same time. */
const MAX_CHECKED_OF_ADDRESS = 4;
const MAX_KEPT = 10_000;

interface Failures {
  count: number;
  at: number;
  /** ms: attempts before it are refused. Of accounts alone. */
  until: number;
}

interface Waiting {
  readonly address: string;
  readonly proceed: () => void;
  readonly refuse: (error: GatewayError) => void;
}

/**
 * Slows guessing down without shutting anybody out. Wrong passwords for an account make further
 * attempts at it wait, but not those from an address without a wrong one. Where one address, or all of
 * them, guess a lot, attempts take turns, one a second: who failed least is next, and who failed most
 * is refused where too many wait. It knows ids only as they are typed, so that one that exists is
 * treated as one that does not.
 */
export class LoginThrottle {
  readonly #accounts = new Map<string, Failures>();
  readonly #addresses = new Map<string, Failures>();
  /** By address. */
  readonly #checked = new Map<string, number>();
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastTurn = Number.NEGATIVE_INFINITY;
  #overall = { from: 0, failures: 0 };
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Resolves when the password may be checked; `failed` or `succeeded` must follow, or `abandoned`.
   * Counts the attempt as failed until then. Rejects with `rate_limited`.
   */
  async begin(id: string, ip: string): Promise<void> {
    const now = this.#now();
    const address = networkOf(ip);
    const earlier = this.#failuresOf(this.#addresses, address);
    const account = this.#accounts.get(id);
    const paused = earlier > 0 && account !== undefined ? account.until - now : 0;
    if (paused > 0) throw tooMany(paused);
    if ((this.#checked.get(address) ?? 0) >= MAX_CHECKED_OF_ADDRESS) throw tooMany(TURN_MS);
    if (now - this.#overall.from >= MINUTE_MS) this.#overall = { from: now, failures: 0 };
    const isSlow =
      earlier >= MAX_FREE_OF_ADDRESS ||
      this.#overall.failures >= MAX_OVERALL ||
      (account !== undefined && account.until > now);
    if (isSlow) await this.#turn(address);
    this.#overall.failures++;
    this.#checked.set(address, (this.#checked.get(address) ?? 0) + 1);
    count(this.#addresses, address, this.#now());
    const { count: failures } = count(this.#accounts, id, this.#now());
    this.#pause(id, failures);
  }

  /** The pause begins when the answer leaves: checking takes its own time. */
  failed(id: string, ip: string): void {
    this.#end(ip);
    this.#pause(id, this.#accounts.get(id)?.count ?? 0);
  }

  succeeded(id: string, ip: string): void {
    this.#accounts.delete(id);
    this.abandoned(id, ip);
  }

  /** It was never checked: it counts for nothing. */
  abandoned(id: string, ip: string): void {
    this.#end(ip);
    this.#overall.failures = Math.max(0, this.#overall.failures - 1);
    for (const [map, key] of [
      [this.#addresses, networkOf(ip)],
      [this.#accounts, id],
    ] as const) {
      const entry = map.get(key);
      if (entry !== undefined && --entry.count <= 0) map.delete(key);
    }
  }

  /** Whether this attempt was the one from which the account is slowed down. */
  hasJustSlowed(id: string): boolean {
    return this.#accounts.get(id)?.count === FREE;
  }

  #end(ip: string): void {
    const address = networkOf(ip);
    const left = (this.#checked.get(address) ?? 0) - 1;
    if (left > 0) this.#checked.set(address, left);
    else this.#checked.delete(address);
  }

  #pause(id: string, failures: number): void {
    const account = this.#accounts.get(id);
    if (account !== undefined) account.until = this.#now() + pauseAfter(failures);
  }

  #failuresOf(map: Map<string, Failures>, key: string): number {
    const entry = map.get(key);
    return entry === undefined || this.#now() - entry.at > FORGET_MS ? 0 : entry.count;
  }

  #turn(address: string): Promise<void> {
    const same = this.#waiting.filter((waiting) => waiting.address === address);
    if (same.length >= MAX_WAITING_OF_ADDRESS) throw tooMany(TURN_MS * (this.#waiting.length + 1));
    if (this.#waiting.length >= MAX_WAITING) this.#makeRoom(address);
    return new Promise((proceed, refuse) => {
      this.#waiting.push({ address, proceed, refuse });
      this.#schedule();
    });
  }

  /** Refuses the one that failed most; throws where that is the address itself. */
  #makeRoom(address: string): void {
    const last = this.#inOrder().at(-1);
    const most = last === undefined ? 0 : this.#failuresOf(this.#addresses, last.address);
    if (last === undefined || most <= this.#failuresOf(this.#addresses, address)) {
      throw tooMany(TURN_MS * MAX_WAITING);
    }
    this.#waiting = this.#waiting.filter((waiting) => waiting !== last);
    last.refuse(tooMany(TURN_MS * MAX_WAITING));
  }

  /** Who failed least first; among equals who came first. */
  #inOrder(): Waiting[] {
    return this.#waiting.toSorted(
      (a, b) =>
        this.#failuresOf(this.#addresses, a.address) - this.#failuresOf(this.#addresses, b.address),
    );
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const wait = Math.min(TURN_MS, Math.max(0, this.#lastTurn + TURN_MS - this.#now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#lastTurn = this.#now();
      const next = this.#inOrder()[0];
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      next?.proceed();
      this.#schedule();
    }, wait).unref();
  }
}

/** In order of use: the one unused for longest goes first. */
function count(map: Map<string, Failures>, key: string, now: number): Failures {
  const before = map.get(key);
  const failures = before === undefined || now - before.at > FORGET_MS ? 1 : before.count + 1;
  const entry = { count: failures, at: now, until: 0 };
  map.delete(key);
  map.set(key, entry);
  if (map.size > MAX_KEPT) {
    const oldest = map.keys().next();
    if (!oldest.done) map.delete(oldest.value);
  }
  return entry;
}

/** An IPv6 host has a /64 of addresses to itself. */
function networkOf(ip: string): string {
  const mapped = ip.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(mapped)) return mapped;
  const [head = "", tail = ""] = mapped.split("%")[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const groups = mapped.includes("::")
    ? [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right]
    : left;
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  // The loopback address and its like are no network of one host.
  return network.every((group) => group === "0") ? mapped : network.join(":");
}

function tooMany(waitMs: number): GatewayError {
  return new GatewayError("rate_limited", "Too many wrong passwords: the next one has to wait.", {
    retry_after: Math.max(1, Math.ceil(waitMs / 1000)),
    hint: "Wait as long as Retry-After says, or sign in with a passkey.",
  });
}

/** ms */
function pauseAfter(failures: number): number {
  if (failures < FREE) return 0;
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - FREE));
}
