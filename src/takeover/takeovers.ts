import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import {
  desktopLock,
  locksOfActing,
  locksOfTakeover,
  locksOfWatching,
} from "../tasks/desktop-locks.ts";
import type { Desktops } from "../tasks/desktops.ts";
import type { Handovers } from "../tasks/execute/handovers.ts";
import type { LockManager } from "../tasks/scheduler.ts";
import { pause } from "../tasks/task-canceller.ts";
import type { SettingStore } from "../tasks/task-store.ts";
import { type Holder, Lease, type LeaseEnd } from "./lease.ts";
import { busyWith, inBetween, takenBy } from "./takeover-denials.ts";
import { changed, returned, taken } from "./takeover-records.ts";

export interface TakeoversDeps {
  readonly settings: SettingStore;
  readonly lockManager: LockManager;
  readonly desktops: Desktops;
  readonly handovers: Handovers;
  readonly stopped: () => boolean;
  /** Whether a session still holds. */
  readonly isSignedIn: (sessionId: string) => boolean;
  readonly onError: (error: unknown, desktop: string) => void;
}

/** A lease, and what gives the desktop back to others. */
interface Held {
  readonly lease: Lease;
  readonly turn: Disposable;
  timer: NodeJS.Timeout | undefined;
  /** The beginning is in the audit log: input may pass. */
  isRecorded: boolean;
  end: LeaseEnd | undefined;
}

/** What is kept of a lease, for the record after a crash. */
interface Left {
  readonly desktop: string;
  readonly person_id: string;
}

const SETTING = "takeovers";
/** ms that plans which look at the desktop already, and actions given up, get to finish. */
const CLAIM_MS = 15_000;
/** ms that what is under way at the end gets to finish before others go on. */
const CLOSING_MS = 5000;
/** ms between tries to write down an end that the disk refused. */
const RETRY_MS = 500;
const MINUTE_MS = 60_000;

/**
 * Desktops in the hands of people. A lease holds the desktop's locks, so that tasks and plans wait; it
 * ends by itself, with its session, with a stop and with the program.
 */
export class Takeovers implements AsyncDisposable {
  readonly #deps: TakeoversDeps;
  readonly #held = new Map<string, Held>();
  /** Desktops that someone is about to have. */
  readonly #taking = new Map<string, Holder>();
  readonly #listeners = new Set<(desktop: string) => void>();
  readonly #endings = new Set<Promise<void>>();
  #closed = false;

  constructor(deps: TakeoversDeps) {
    this.#deps = deps;
    deps.handovers.watch((desktop) => this.#held.has(desktop) || this.#taking.has(desktop));
  }

  /** Ends what an earlier run of the program left; call once, before requests come in. */
  async recover(): Promise<void> {
    const value = await this.#deps.settings.get(SETTING);
    const left: Left[] = value === undefined ? [] : JSON.parse(value);
    if (left.length === 0) return;
    const audit = left.map(({ desktop, person_id }) => {
      // Keys may be held that nobody is there any more to let go of.
      this.#deps.desktops.get(desktop)?.driver.recover?.([], Date.now());
      return returned(desktop, person_id, "restart", null);
    });
    await this.#deps.settings.set(SETTING, "[]", { events: [changed("desktop_returned")], audit });
  }

  /** The lease of a desktop, from its first moment to its last. */
  find(desktop: string): Lease | undefined {
    const held = this.#held.get(desktop);
    return held?.isRecorded === true && held.end === undefined ? held.lease : undefined;
  }

  /** The lease of this session, by which its input reaches the desktop. */
  of(desktop: string, sessionId: string | undefined): Lease | undefined {
    const lease = this.find(desktop);
    return sessionId !== undefined && lease?.holder.sessionId === sessionId ? lease : undefined;
  }

  /** Whether another person has it: then nobody else looks at it. */
  isOthers(desktop: string, keyId: string): boolean {
    const held = this.#held.get(desktop);
    const holder = held?.lease.holder ?? this.#taking.get(desktop);
    return holder !== undefined && holder.keyId !== keyId;
  }

  /** Called when a lease has begun, has changed hands or is about to end. */
  onChange(listener: (desktop: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Gives a desktop to a person, or more time to the one who has it. Resolves with the lease once it
   * is recorded. Throws `stopped`, `state_changed` where a task or another person has it,
   * `desktop_unavailable` where plans look at it for too long, `audit_unavailable`.
   */
  async take(desktop: string, holder: Holder, minutes: number): Promise<Lease> {
    this.#refuse(holder);
    const present = this.#held.get(desktop);
    const taking = this.#taking.get(desktop) ?? present?.lease.holder;
    if (taking !== undefined && taking.keyId !== holder.keyId) throw takenBy(desktop, taking.name);
    if (present?.isRecorded === true && present.end === undefined) {
      return await this.#renew(present, holder, minutes);
    }
    if (taking !== undefined) throw inBetween(desktop);
    const taskId = this.#deps.lockManager.holder(desktopLock(desktop));
    const isHanded = taskId !== undefined && this.#deps.handovers.has(taskId);
    if (taskId !== undefined && !isHanded) throw busyWith(desktop, taskId);
    this.#taking.set(desktop, holder);
    try {
      const turn = await this.#acquire(desktop, isHanded);
      return await this.#begin(desktop, holder, minutes, turn);
    } finally {
      this.#taking.delete(desktop);
    }
  }

  /** The person gives it back; false where they do not have it. */
  async giveBack(desktop: string, holder: Holder): Promise<boolean> {
    const held = this.#held.get(desktop);
    if (held === undefined || held.lease.holder.keyId !== holder.keyId) return false;
    await this.#end(held, "returned", holder.keyId);
    return true;
  }

  /** Everything is stopped. Nothing passes any more when it returns. */
  endAll(end: LeaseEnd, keyId: string | null = null): void {
    for (const held of this.#held.values()) void this.#end(held, end, keyId);
  }

  endSession(sessionId: string): void {
    this.#endWhere(({ lease }) => lease.holder.sessionId === sessionId, "signed_out");
  }

  endPerson(keyId: string): void {
    this.#endWhere(({ lease }) => lease.holder.keyId === keyId, "revoked");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.endAll("shutdown");
    await Promise.all(this.#endings);
  }

  #endWhere(matches: (held: Held) => boolean, end: LeaseEnd): void {
    for (const held of this.#held.values()) if (matches(held)) void this.#end(held, end, null);
  }

  /**
   * Where a task's agent has handed the desktop over, that task keeps it from others until it ends;
   * then the person does, before whoever waits.
   */
  async #acquire(desktop: string, isHanded: boolean): Promise<Disposable> {
    const { lockManager, desktops } = this.#deps;
    const limit = AbortSignal.timeout(CLAIM_MS);
    let turn: Disposable | undefined;
    try {
      turn = isHanded
        ? new InheritedLock(
            lockManager,
            desktop,
            await lockManager.acquire(locksOfWatching(desktop), limit),
          )
        : await lockManager.acquire(locksOfTakeover(desktop), limit);
      // A task that was cancelled may leave its last action going on.
      await desktops.get(desktop)?.driver.settled?.(limit);
      return turn;
    } catch (error) {
      turn?.[Symbol.dispose]();
      const taskId = lockManager.holder(desktopLock(desktop));
      if (taskId !== undefined) throw busyWith(desktop, taskId);
      throw new GatewayError(
        "desktop_unavailable",
        `What goes on at desktop ${desktop} does not come to an end.`,
        { hint: "Try again in a moment.", retry_after: 5 },
        error,
      );
    }
  }

  async #begin(desktop: string, holder: Holder, minutes: number, turn: Disposable): Promise<Lease> {
    const lease = new Lease(desktop, holder, Date.now() + minutes * MINUTE_MS);
    const held: Held = { lease, turn, timer: undefined, isRecorded: false, end: undefined };
    this.#held.set(desktop, held);
    try {
      // It may have taken a while to get it.
      this.#refuse(holder);
      await this.#write([taken(lease)], "desktop_taken_over");
      this.#refuse(holder);
    } catch (error) {
      // It may have been written all the same: then its end is, too.
      void this.#end(held, endFor(error), null);
      throw error;
    }
    if (held.end !== undefined) throw lease.signal.reason;
    held.isRecorded = true;
    this.#watch(held);
    this.#tell(desktop);
    return lease;
  }

  async #renew(held: Held, holder: Holder, minutes: number): Promise<Lease> {
    const { lease } = held;
    const until = Date.now() + minutes * MINUTE_MS;
    await this.#write(
      [taken({ desktop: lease.desktop, holder, until }, true)],
      "desktop_taken_over",
    );
    this.#refuse(holder);
    if (held.end !== undefined) throw lease.signal.reason;
    lease.holder = holder;
    lease.until = until;
    this.#watch(held);
    this.#tell(lease.desktop);
    return lease;
  }

  #watch(held: Held): void {
    clearTimeout(held.timer);
    const expire = () => void this.#end(held, "expired", null);
    held.timer = setTimeout(expire, Math.max(0, held.lease.until - Date.now())).unref();
  }

  /** Nothing passes any more when it returns; resolves when the desktop is free and, if it can be, that recorded. */
  #end(held: Held, end: LeaseEnd, keyId: string | null): Promise<void> {
    if (held.end !== undefined) return Promise.resolve();
    held.end = end;
    clearTimeout(held.timer);
    const over = held.lease.end();
    this.#tell(held.lease.desktop);
    const ending = this.#finish(held, end, keyId, over).finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
    return ending;
  }

  async #finish(
    { lease, turn }: Held,
    end: LeaseEnd,
    keyId: string | null,
    over: Promise<void>,
  ): Promise<void> {
    const { desktop, holder } = lease;
    await Promise.race([over, pause(CLOSING_MS)]);
    this.#held.delete(desktop);
    const record = returned(desktop, holder.personId, end, keyId);
    const written = this.#writeDown(record, desktop);
    // Nobody waits for a disk that refuses: what comes next is refused by it as well.
    await Promise.race([written, pause(CLOSING_MS)]);
    turn[Symbol.dispose]();
  }

  /** However long the disk refuses, while the program runs. */
  async #writeDown(record: AuditDraft, desktop: string): Promise<void> {
    for (;;) {
      try {
        return await this.#write([record], "desktop_returned");
      } catch (error) {
        this.#deps.onError(error, desktop);
        if (this.#closed) return;
        await pause(RETRY_MS);
      }
    }
  }

  #write(
    audit: readonly AuditDraft[],
    change: "desktop_taken_over" | "desktop_returned",
  ): Promise<void> {
    const present = [...this.#held.values()].map(
      ({ lease: { desktop, holder } }): Left => ({ desktop, person_id: holder.personId }),
    );
    const records = { audit, events: [changed(change)] };
    return this.#deps.settings.set(SETTING, JSON.stringify(present), records);
  }

  #refuse({ sessionId }: Holder): void {
    if (this.#closed || this.#deps.stopped()) {
      throw new GatewayError("stopped", "The gateway is stopped: nobody acts on its desktops.", {
        hint: "Resume it first: POST /resume.",
      });
    }
    if (this.#deps.isSignedIn(sessionId)) return;
    throw new GatewayError("token_invalid", "The session has ended.", { hint: "Sign in again." });
  }

  #tell(desktop: string): void {
    for (const listener of this.#listeners) listener(desktop);
  }
}

/** A turn beside a task that still holds the desktop, for as long as it does, and after it. */
class InheritedLock implements Disposable {
  readonly #watching: Disposable;
  readonly #over = new AbortController();

  constructor(lockManager: LockManager, desktop: string, watching: Disposable) {
    this.#watching = watching;
    const { signal } = this.#over;
    lockManager.acquire(locksOfActing(desktop), signal).then(
      (acting) => {
        if (signal.aborted) acting[Symbol.dispose]();
        else signal.addEventListener("abort", () => acting[Symbol.dispose]());
      },
      () => {},
    );
  }

  [Symbol.dispose](): void {
    this.#over.abort();
    this.#watching[Symbol.dispose]();
  }
}

function endFor(error: unknown): LeaseEnd {
  if (!(error instanceof GatewayError)) return "not_recorded";
  const ends: Readonly<Record<string, LeaseEnd>> = {
    stopped: "stopped",
    token_invalid: "signed_out",
  };
  return ends[error.code] ?? "not_recorded";
}
