/** How long a piece must be in view to count as shown. */
const LOOK_MS = 120;
/** How long a card stands still before it takes a decision. */
export const SETTLE_MS = 500;

export interface GateState {
  /** Every piece was in view, and nothing is missing. */
  readonly revealed: boolean;
  readonly seen: number;
  readonly total: number;
  /** Something of the plan cannot be shown (a picture that does not load). */
  readonly broken: boolean;
  /** False for half a second after it appeared, changed, came to the front or was acted on. */
  readonly settled: boolean;
  /** The first of two acts was made. */
  readonly armed: boolean;
}

/**
 * When a person may approve (I8): after every piece of the plan was in view for a moment, half a
 * second after the card appeared, changed or came to the front, and by two acts with half a second
 * between them. It knows no page: time and what is in view are told.
 */
export class RevealGate {
  readonly #now: () => number;
  readonly #unseen = new Set<string>();
  readonly #seen = new Set<string>();
  /** Unseen pieces in view, and since when. */
  readonly #looking = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #broken = false;
  #settledAt: number;
  #armed = false;
  #state: GateState;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#settledAt = now() + SETTLE_MS;
    this.#state = this.#look();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): GateState => this.#state;

  /** A piece that must be seen. Counts from the next `update`. */
  add(id: string): void {
    if (!this.#seen.has(id)) this.#unseen.add(id);
  }

  remove(id: string): void {
    this.#unseen.delete(id);
    this.#seen.delete(id);
    this.#looking.delete(id);
  }

  /** That a piece came into view or left it. Counts from the next `update`. */
  view(id: string, visible: boolean): void {
    if (!this.#unseen.has(id)) return;
    if (!visible) this.#looking.delete(id);
    else if (!this.#looking.has(id)) this.#looking.set(id, this.#now());
  }

  isSeen(id: string): boolean {
    return this.#seen.has(id);
  }

  /** A piece cannot be shown. */
  fail(): void {
    this.#broken = true;
    this.update();
  }

  /** The card changed or came to the front: what was begun is taken back. */
  disturb(): void {
    this.#armed = false;
    this.#settle();
  }

  /** The page went to the back: what is in view there is not looked at. */
  hide(): void {
    this.#looking.clear();
    this.disturb();
  }

  /** The first act; says whether it counted. */
  arm(): boolean {
    if (!this.#mayAct() || this.#armed) return false;
    this.#armed = true;
    this.#settle();
    return true;
  }

  /** The second act; says whether the plan is approved by it. */
  confirm(): boolean {
    if (!this.#armed || !this.#mayAct()) return false;
    this.disturb();
    return true;
  }

  /** Ms until looking again would change something; undefined where only the person can. */
  nextChange(): number | undefined {
    const now = this.#now();
    const due = [...this.#looking.values()].map((since) => since + LOOK_MS - now);
    if (this.#settledAt > now) due.push(this.#settledAt - now);
    return due.length === 0 ? undefined : Math.max(1, Math.min(...due));
  }

  /** Takes note of what was told and of the time that went by. */
  update(): void {
    const now = this.#now();
    for (const [id, since] of this.#looking) {
      if (now - since < LOOK_MS) continue;
      this.#looking.delete(id);
      this.#unseen.delete(id);
      this.#seen.add(id);
    }
    const next = this.#look();
    const before = this.#state;
    if (FIELDS.every((field) => next[field] === before[field])) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) listener();
  }

  #settle(): void {
    this.#settledAt = this.#now() + SETTLE_MS;
    this.update();
  }

  #mayAct(): boolean {
    this.update();
    return this.#state.revealed && this.#state.settled;
  }

  #look(): GateState {
    const seen = this.#seen.size;
    const total = seen + this.#unseen.size;
    return {
      revealed: total > 0 && seen === total && !this.#broken,
      seen,
      total,
      broken: this.#broken,
      settled: this.#now() >= this.#settledAt,
      armed: this.#armed,
    };
  }
}

const FIELDS = ["revealed", "seen", "total", "broken", "settled", "armed"] as const;
