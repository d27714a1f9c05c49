import { DaemonFiles } from "./daemon-files.ts";
import { createDaemonListener, type DaemonRequest } from "./daemon-http.ts";
import { Websockify } from "./daemon-websockify.ts";
import { Desk, type DeskDevice, type DeskEvent } from "./desk.ts";
import { Fault, type FaultOptions, Faults } from "./faults.ts";
import { AuthGate } from "./gate.ts";
import { makePause } from "./pause.ts";
import type { VncInput } from "./rfb-server.ts";
import type { VirtualScreen } from "./virtual-screen.ts";
import { Watch } from "./watch.ts";
import { openXDevice, type XDeviceOptions } from "./x-device.ts";

export interface DaemonOptions {
  /** A factor to ByteBot's times, "real" for 1. Fast unless given. */
  readonly latency?: "real" | number;
  /** Asked for as a bearer token; the real daemon has none. */
  readonly apiKey?: string;
  /** Performs everything on this X display; without it the screen is virtual, 1280 by 960. */
  readonly display?: XDeviceOptions;
}

/** Starts a stand-in for ByteBot's desktop daemon on a free port of loopback. */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const device = options.display === undefined ? undefined : await openXDevice(options.display);
  const daemon = new Daemon(options, device);
  await daemon.listenAgain();
  return daemon;
}

export class Daemon implements AsyncDisposable {
  /** Every request that arrived, in order. */
  readonly requests: DaemonRequest[] = [];
  readonly #watch = new Watch();
  readonly #faults = new Faults();
  readonly #files = new DaemonFiles();
  readonly #websockify: Websockify;
  readonly #desk: Desk;
  readonly #device: DeskDevice | undefined;
  readonly #door: AuthGate;
  /** Aborted when the process dies, with all its work. */
  #process = new AbortController();

  constructor(options: DaemonOptions, device: DeskDevice | undefined) {
    this.#device = device;
    this.#desk = new Desk(this.#watch, device);
    this.#websockify = new Websockify(this.#desk, this.#watch, options.apiKey);
    const listener = createDaemonListener({
      apiKey: options.apiKey,
      pause: makePause(options.latency),
      desk: this.#desk,
      files: this.#files,
      faults: this.#faults,
      websockify: this.#websockify,
      requests: this.requests,
      watch: this.#watch,
      process: () => this.#process.signal,
      crash: () => this.crash(),
      die: () => this.die(),
    });
    this.#door = new AuthGate(listener);
    this.#door.server.on("upgrade", (request, socket, head) =>
      this.#websockify.upgrade(request, socket, head),
    );
  }

  get url(): string {
    return this.#door.url;
  }

  /** Keys by their X11 names, buttons as `button:left`. */
  get held(): ReadonlySet<string> {
    return this.#desk.held;
  }

  /** The text that arrived on the desktop. */
  get typed(): string {
    return this.#desk.typed;
  }

  get pointer(): { readonly x: number; readonly y: number } {
    return this.#desk.pointer;
  }

  /** Everything that reached the screen, in order. */
  get events(): readonly DeskEvent[] {
    return this.#desk.events;
  }

  get launched(): readonly string[] {
    return this.#desk.launched;
  }

  /** Applications that are not installed; asked for one, it answers as if it had started. */
  get missing(): Set<string> {
    return this.#desk.missing;
  }

  /** To paint on; not what is seen where there is a display. */
  get screen(): VirtualScreen {
    return this.#desk.screen;
  }

  /** The virtual file system, and what paths brought into the daemon's shell. */
  get files(): DaemonFiles {
    return this.#files;
  }

  get websocketsBroken(): boolean {
    return this.#websockify.broken;
  }

  /** What viewers of its VNC sent, in order. */
  get vncInput(): readonly VncInput[] {
    return this.#websockify.received;
  }

  /** How many viewers its VNC has. */
  get vncViewers(): number {
    return this.#websockify.open.size;
  }

  /** Its VNC hangs up on everyone. */
  dropViewers(): void {
    for (const stream of this.#websockify.open) stream.destroy();
  }

  /** Of the desktop. */
  get clipboard(): string {
    return this.#desk.clipboard;
  }

  /** The requests for one action, or whatever was sent as one. */
  requestsFor(action: string): DaemonRequest[] {
    return this.requests.filter((request) => request.action === action);
  }

  /** Whether everything that arrived has been performed to its end. */
  get idle(): boolean {
    return this.requests.every(({ ended }) => ended);
  }

  /** Resolves with what the predicate gives once that is something; asked after each change. */
  waitFor<Found>(predicate: (daemon: this) => Found | false | undefined | null): Promise<Found> {
    return this.#watch.waitFor(() => predicate(this));
  }

  fail(options: FaultOptions): Fault {
    if (options.with !== "refuse_connection") return this.#faults.add(options);
    void this.stopListening();
    return new Fault(options);
  }

  /** Lets go what hangs and forgets what was to fail. */
  clearFaults(): void {
    this.#faults.clear();
  }

  stopListening(): Promise<void> {
    return this.#door.stopListening();
  }

  listenAgain(): Promise<void> {
    return this.#door.listen();
  }

  /**
   * The process dies and is started again: connections and work are lost. The display keeps what is held,
   * and repeats a letter for as long as it is.
   */
  crash(): void {
    this.#process.abort();
    this.#process = new AbortController();
    this.#door.resetAll();
    this.#desk.startRepeating();
  }

  /** The process dies, and none listens until `listenAgain`. */
  die(): void {
    void this.#door.stopListening();
    this.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.abort();
    this.#faults.clear();
    await this.#door[Symbol.asyncDispose]();
    this.#desk.stopRepeating();
    await this.#device?.[Symbol.asyncDispose]();
  }
}
