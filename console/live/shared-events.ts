import { type LiveEvent, LiveEvents, type LiveState } from "./live-events.ts";

/** What the pages of one browser tell each other. */
type Note =
  | { readonly kind: "hello"; readonly hurry: boolean }
  | { readonly kind: "state"; readonly state: LiveState; readonly last: number | undefined }
  | { readonly kind: "event"; readonly event: LiveEvent }
  | { readonly kind: "gap" };

interface Options {
  /** Pages of the same name share. */
  readonly name: string;
  readonly onEvent: (event: LiveEvent) => void;
  readonly onState: (state: LiveState) => void;
  readonly onGap: () => void;
  readonly open?: (url: string) => EventSource;
}

/** So often a page on show asks whether the one with the stream is still there. */
const WATCH_MS = 5000;

/**
 * One GET /events for all pages of a browser, which has few connections for them: the page that holds
 * the lock follows it and hands its events on. When that page closes, or no longer answers (a phone
 * stops pages in the back), the next one goes on after the newest event it has seen.
 */
export class SharedEvents {
  /** Both need a secure context, or are missing in old browsers: then each page has its own stream. */
  static isPossible(): boolean {
    return "locks" in navigator && "BroadcastChannel" in globalThis;
  }

  readonly #options: Options;
  readonly #channel: BroadcastChannel;
  readonly #watch: ReturnType<typeof setInterval>;
  /** Of the present wait for the lock. */
  #asking: AbortController | undefined;
  #leading: { readonly live: LiveEvents; release(): void } | undefined;
  #state: LiveState = "connecting";
  #last: number | undefined;
  /** Another page had the stream before. */
  #hasFollowed = false;
  #isAnswered = true;
  #closed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#channel = new BroadcastChannel(options.name);
    this.#channel.onmessage = ({ data }: MessageEvent<Note>) => this.#hear(data);
    this.#watch = setInterval(() => this.#lookAfter(), WATCH_MS);
    options.onState("connecting");
    this.#post({ kind: "hello", hurry: false });
    this.#askForLock();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    this.#asking?.abort();
    this.#stopLeading();
    this.#channel.close();
  }

  /** Does not wait for the next try; for a page that comes back to the front. */
  hurry(): void {
    if (this.#closed) return;
    if (this.#leading !== undefined) this.#leading.live.hurry();
    else this.#post({ kind: "hello", hurry: true });
  }

  #askForLock(steal = false): void {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    navigator.locks
      .request(this.#options.name, steal ? { steal } : { signal: asking.signal }, () =>
        this.#lead(),
      )
      .catch(() => {
        // Another page took the lock, or this one gave up waiting for it.
        if (this.#closed || this.#asking !== asking) return;
        this.#stopLeading();
        this.#askForLock();
      });
  }

  /** Resolves when the stream is to be another page's. */
  #lead(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { onEvent, onGap, open } = this.#options;
    const gap = () => {
      this.#post({ kind: "gap" });
      onGap();
    };
    const tell = (state: LiveState) => {
      this.#become(state);
      this.#post({ kind: "state", state, last: this.#last });
    };
    // The page before may have left by signing out: whoever is told this asks whether it still may.
    if (this.#hasFollowed) tell("broken");
    // Where no event was seen there is no place to go on after.
    let isBlind = this.#hasFollowed && this.#last === undefined;
    const live = new LiveEvents({
      since: this.#last,
      open,
      onEvent: (event) => {
        this.#last = event.id;
        this.#post({ kind: "event", event });
        onEvent(event);
      },
      onState: (state) => {
        tell(state);
        if (state !== "live" || !isBlind) return;
        isBlind = false;
        gap();
      },
      onGap: gap,
    });
    this.#leading = { live, release: resolve };
    return promise;
  }

  #stopLeading(): void {
    this.#leading?.live.close();
    this.#leading?.release();
    this.#leading = undefined;
    this.#isAnswered = true;
  }

  #hear(note: Note): void {
    if (note.kind === "hello") {
      if (this.#leading === undefined) return;
      if (note.hurry) this.#leading.live.hurry();
      this.#post({ kind: "state", state: this.#state, last: this.#last });
      return;
    }
    // Of a page that does not know yet that the lock was taken from it.
    if (this.#leading !== undefined) return;
    const isFirst = !this.#hasFollowed;
    this.#hasFollowed = true;
    this.#isAnswered = true;
    if (note.kind === "gap") this.#options.onGap();
    else if (note.kind === "state") {
      const { last = -1 } = note;
      this.#become(note.state);
      if (last <= (this.#last ?? -1)) return;
      this.#last = last;
      // A page that the browser had stopped does not hear everything.
      if (!isFirst) this.#options.onGap();
    } else if (this.#last === undefined || note.event.id > this.#last) {
      this.#last = note.event.id;
      this.#options.onEvent(note.event);
    }
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }

  /** A page in the back leaves it to those on show: its clock may stand still. */
  #lookAfter(): void {
    if (this.#leading !== undefined || document.visibilityState !== "visible") return;
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#askForLock(true);
      return;
    }
    this.#isAnswered = false;
    this.#post({ kind: "hello", hurry: this.#state === "broken" });
  }

  #post(note: Note): void {
    if (!this.#closed) this.#channel.postMessage(note);
  }
}
