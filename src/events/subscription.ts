import { setImmediate } from "node:timers/promises";
import type { EventView, Frame } from "./encode-event.ts";
import type { EventFilter } from "./event-store.ts";
import type { Page, Replay } from "./replay.ts";

/** Where a subscription's bytes go. */
export interface EventSink {
  write(bytes: Uint8Array): void;
  /** Bytes written that the reader has not taken yet. */
  unread(): number;
  /** Calls back once, when the reader has taken everything, or is gone. */
  onceDrained(resume: () => void): void;
  /** Ends the stream in good order. */
  end(): void;
  /** Cuts off a reader that does not read. */
  drop(): void;
}

/** Unread bytes above which a subscriber is dropped; it resumes with Last-Event-ID. */
const MAX_UNREAD = 256 * 1024;
/** Unread bytes above which the backfill waits, so that a long history never drops its reader. */
const PACE = 64 * 1024;
/** Bytes of a history that are written at once: a write for each event costs more than the event. */
const BATCH = 16 * 1024;
/** ms a long history may be read in one go. */
const SLICE_MS = 10;
/** Live events kept while a page is read; beyond, the next page has them. */
const MAX_HELD = 1024;

/** One slice of one backfill, of a stranger one page, in a turn of the event loop, however many there are. */
let turns: Promise<unknown> = Promise.resolve();

/**
 * One reader of the event log: backfill → cut-over → live. Events after `after` come from the store
 * in pages. While a page is read, events that commit are held back; once a page is empty, the
 * store had no more when it was asked, so the held ones follow and the rest comes live. An event
 * met twice on the way is known by its id, which only grows.
 */
export class Subscription {
  readonly keyId: string | undefined;
  readonly #sink: EventSink;
  readonly #filter: EventFilter;
  readonly #view: EventView;
  /** Id of the newest event that was written or passed over. */
  #cursor: number;
  #state: "backfill" | "live" | "closed" = "live";
  #held: Frame[] | undefined;
  #wake: (() => void) | undefined;
  #unreadBefore = 0;
  #stalled = 0;

  /** Live from the start, with events whose id is above `cursor`. */
  constructor(
    sink: EventSink,
    options: { keyId: string | undefined; filter: EventFilter; view: EventView; cursor: number },
  ) {
    this.#sink = sink;
    this.keyId = options.keyId;
    this.#filter = options.filter;
    this.#view = options.view;
    this.#cursor = options.cursor;
  }

  /** Rejects with what the store rejects with. */
  async backfill(replay: Replay): Promise<void> {
    this.#state = "backfill";
    this.#cursor = await replay.start(this.#cursor, this.#filter, this.#view);
    let begun = performance.now();
    while (this.#state === "backfill") {
      const held: Frame[] = [];
      this.#held = held;
      const page = await replay.page(this.#cursor, this.#filter, this.#view);
      if (this.closed) return;
      this.#writePage(page);
      if (this.#sink.unread() > PACE) await this.#drained();
      else if (page.length === 0 && this.#held === held) this.#goLive(held);
      else if (this.#view === "full" && performance.now() - begun < SLICE_MS) continue;
      else await this.#yield();
      begun = performance.now();
    }
  }

  /** Takes a committed event, from every committed one in order. */
  offer(frame: Frame): void {
    if (!this.#wants(frame)) return;
    if (this.#state === "live") this.#deliver(frame);
    else if (this.#held === undefined) return;
    else if (this.#held.length < MAX_HELD) this.#held.push(frame);
    else this.#held = undefined;
  }

  /** A comment that keeps the connection alive. Returns false once the reader has taken nothing for `patience` beats. */
  beat(comment: Uint8Array, patience: number): boolean {
    const unread = this.#sink.unread();
    this.#stalled = unread > 0 && unread >= this.#unreadBefore ? this.#stalled + 1 : 0;
    this.#unreadBefore = unread;
    if (this.#stalled >= patience) return false;
    if (unread === 0) this.#sink.write(comment);
    return true;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Nothing is written any more. The reader is told how it ends, unless it is gone. */
  close(how: "end" | "drop" | "gone"): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#held = undefined;
    this.#wake?.();
    if (how !== "gone") this.#sink[how]();
  }

  #wants({ event }: Frame): boolean {
    const { taskId, owner } = this.#filter;
    return (
      event.id > this.#cursor &&
      (taskId === undefined || event.task_id === taskId) &&
      (owner === undefined || event.owner === null || event.owner === owner)
    );
  }

  #goLive(held: readonly Frame[]): void {
    this.#held = undefined;
    this.#state = "live";
    for (const frame of held) if (this.#wants(frame)) this.#deliver(frame);
  }

  #deliver(frame: Frame): void {
    if (this.#state !== "live") return;
    this.#write(frame.event.id, frame.bytes(this.#view));
    if (this.#sink.unread() > MAX_UNREAD) this.close("drop");
  }

  /** As much of it as the reader keeps up with. */
  #writePage(page: Page): void {
    let batch: Uint8Array[] = [];
    let size = 0;
    for (const [index, { id, bytes }] of page.entries()) {
      if (size === 0 && this.#sink.unread() > PACE) return;
      batch.push(bytes);
      size += bytes.length;
      if (size < BATCH && index < page.length - 1) continue;
      this.#write(id, Buffer.concat(batch));
      batch = [];
      size = 0;
    }
  }

  #write(id: number, bytes: Uint8Array): void {
    this.#cursor = id;
    this.#sink.write(bytes);
  }

  /** Lets everybody else have a turn; what commits in it is read from the store afterwards. */
  async #yield(): Promise<void> {
    this.#held = undefined;
    turns = turns.then(() => setImmediate());
    await turns;
  }

  /** Holds nothing meanwhile: what commits is read from the store afterwards. */
  #drained(): Promise<void> {
    this.#held = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#sink.onceDrained(resolve);
    return promise;
  }
}
