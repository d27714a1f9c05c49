import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { Lease } from "../takeover/lease.ts";
import { greetServer } from "./greet-server.ts";
import { greetViewer } from "./greet-viewer.ts";
import { HeldKeys } from "./held-keys.ts";
import { InputTally } from "./input-tally.ts";
import { readViewerMessage, type ViewerMessage } from "./viewer-message.ts";

export interface RelayOptions {
  readonly viewer: Duplex;
  readonly server: Duplex;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The lease by which the viewer's input passes, at this moment. */
  readonly findLease: () => Lease | undefined;
  /** Commits a record of input; rejects where it cannot be. */
  readonly record: (
    type: "desktop.input_started" | "desktop.input",
    details: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  /** Keys may be held that the server can no longer be told to let go of. */
  readonly onStuck: () => void;
}

/** The desktop's own side has ended the connection, or never answered. */
export class ServerGone extends Error {
  override readonly name = "ServerGone";
}

const GREETING_MS = 10_000;
/** ms between two records of what has passed. */
const RECORD_MS = 60_000;

/**
 * Passes a desktop's VNC on to a viewer as it is, and of what the viewer sends back whole messages
 * that it knows: those that ask for pictures always, input with a lease only.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #held = new HeldKeys();
  readonly #tally = new InputTally();
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  /** The lease whose first input has been recorded here. */
  #lease: { readonly lease: Lease; readonly atEnd: { remove(): void } } | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#over.signal]);
  }

  /** Rejects with why it has ended: ServerGone, EndOfStream of the viewer, ProtocolError, the signal's reason. */
  async run(): Promise<never> {
    const { viewer, server } = this.#options;
    const recording = Promise.withResolvers<never>();
    recording.promise.catch(() => {});
    const timer = setInterval(() => this.#write().catch(recording.reject), RECORD_MS);
    timer.unref();
    const gone = watchEnd(server);
    try {
      await this.#greet();
      server.pipe(viewer, { end: false });
      return await Promise.race([this.#readViewer(), gone.promise, recording.promise]);
    } finally {
      // Nothing that is still read may follow.
      this.#over.abort(new Error("the connection is over"));
      clearInterval(timer);
      gone.forget();
      server.unpipe(viewer);
      this.#lease?.atEnd.remove();
      await this.#finish();
    }
  }

  async #greet(): Promise<void> {
    const { viewer, server } = this.#options;
    const signal = this.#signal;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(GREETING_MS)]);
    await Promise.all([
      greetServer(server, limited).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new ServerGone("the desktop's VNC does not answer as such", { cause: error });
      }),
      greetViewer(viewer, limited),
    ]);
  }

  async #readViewer(): Promise<never> {
    for (;;) {
      const message = await readViewerMessage(this.#options.viewer, this.#signal);
      if (message.kind === "view") await this.#send(message.bytes);
      else if (message.kind !== "none") await this.#input(message);
    }
  }

  async #input({ kind, bytes }: Exclude<ViewerMessage, { kind: "none" | "view" }>): Promise<void> {
    const lease = this.#options.findLease();
    if (lease !== undefined && lease !== this.#lease?.lease) await this.#begin(lease);
    // Asked again: writing the record took its time.
    if (lease === undefined || this.#options.findLease() !== lease || this.#signal.aborted) {
      this.#tally.count("dropped");
      return;
    }
    this.#held.account(bytes);
    this.#tally.count(kind);
    await this.#send(bytes);
  }

  /** Before the first input of a lease: no effect without a record. */
  async #begin(lease: Lease): Promise<void> {
    await this.#write();
    await this.#options.record("desktop.input_started", {});
    this.#lease?.atEnd.remove();
    this.#lease = { lease, atEnd: lease.onEnd(() => this.#finish()) };
  }

  async #send(bytes: Buffer): Promise<void> {
    const { server } = this.#options;
    if (!server.write(bytes)) await once(server, "drain", { signal: this.#signal });
  }

  /** Lets go of what is held and writes down what has passed. */
  async #finish(): Promise<void> {
    const { server, onStuck } = this.#options;
    if (!this.#held.isEmpty) {
      const releases = this.#held.release();
      await new Promise<void>((resolve) => {
        if (server.destroyed || !server.writable) {
          onStuck();
          return resolve();
        }
        server.write(releases, (error) => {
          if (error) onStuck();
          resolve();
        });
      });
    }
    await this.#write().catch(() => {});
  }

  async #write(): Promise<void> {
    const counts = this.#tally.take();
    if (counts === undefined) return;
    await this.#options.record("desktop.input", { ...counts });
  }
}

function watchEnd(server: Duplex): { readonly promise: Promise<never>; forget(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const events = ["end", "close", "error"];
  const end = () => reject(new ServerGone("the desktop's VNC has ended the connection"));
  for (const event of events) server.on(event, end);
  return {
    promise,
    forget: () => {
      for (const event of events) server.off(event, end);
    },
  };
}
