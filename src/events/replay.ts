import { type EventView, encodeEvent } from "./encode-event.ts";
import type { EventFilter, EventStore } from "./event-store.ts";

/** Events in order, as they are sent. */
export type Page = readonly { readonly id: number; readonly bytes: Uint8Array }[];

const PAGE = 128;
/** Events that a stranger is told of the past, and some more up to the start of a page. */
const MAX_ANONYMOUS = 1000;
/** Pages that strangers share. */
const MAX_SHARED = 16;

/**
 * What was committed before a subscriber came, in pages. Strangers read the newest pages alone, which
 * are the same for all of them: each is read and encoded once, however many ask.
 */
export class Replay {
  readonly #store: EventStore;
  readonly #shared = new Map<number, Page>();

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** The id after which a subscriber's pages begin. */
  async start(after: number, filter: EventFilter, view: EventView): Promise<number> {
    // An id from the future (another database's, say) would pass over everything that is to come.
    const last = await this.#store.lastId();
    const cursor = Math.min(after, last);
    if (!isShared(filter, view)) return cursor;
    return Math.max(cursor, Math.floor((last - MAX_ANONYMOUS) / PAGE) * PAGE);
  }

  /** The next events after an id; none only where there are no more. */
  async page(after: number, filter: EventFilter, view: EventView): Promise<Page> {
    const known = isShared(filter, view) ? this.#shared.get(after) : undefined;
    if (known !== undefined) return known;
    const page = await this.#read(after, filter, view);
    if (isShared(filter, view) && after % PAGE === 0) this.#share(after, page);
    return page;
  }

  /** Only a page that is full stays as it is. */
  #share(after: number, page: Page): void {
    if (page.length < PAGE) return;
    this.#shared.set(after, page);
    const [oldest] = this.#shared.keys();
    if (this.#shared.size > MAX_SHARED && oldest !== undefined) this.#shared.delete(oldest);
  }

  async #read(after: number, filter: EventFilter, view: EventView): Promise<Page> {
    const events = await this.#store.read(after, PAGE, filter);
    return events.map((event) => ({ id: event.id, bytes: encodeEvent(event, view) }));
  }
}

function isShared({ taskId, owner }: EventFilter, view: EventView): boolean {
  return view === "redacted" && taskId === undefined && owner === undefined;
}
