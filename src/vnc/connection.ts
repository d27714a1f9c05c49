import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { VNC_CLOSE_CODES, type VncCloseReason } from "../contract/desktop.ts";
import { ProtocolError } from "./protocol-error.ts";
import { EndOfStream } from "./read-exactly.ts";
import { Relay, type RelayOptions, ServerGone } from "./relay.ts";

/** Who looks at a desktop, in which of their sessions. */
export interface Viewer {
  readonly keyId: string;
  readonly sessionId: string;
}

export interface ConnectionOptions extends Pick<RelayOptions, "findLease" | "record" | "onStuck"> {
  readonly websocket: WebSocket;
  readonly server: Duplex;
  readonly desktop: string;
  readonly viewer: Viewer;
  /** ms */
  readonly maxAgeMs: number;
}

type EndReason = VncCloseReason | "shutdown" | "left";

/** How a connection has ended. */
export interface ConnectionEnd {
  readonly reason: EndReason;
  readonly error?: unknown;
}

const PING_MS = 30_000;
/** ms that the viewer's side gets to say goodbye. */
const GOODBYE_MS = 2000;
const GOING_AWAY = 1001;
const NORMAL = 1000;

/** One viewer at one desktop, from the upgrade to the end of both sides. */
export class Connection {
  readonly desktop: string;
  readonly viewer: Viewer;
  readonly ended: Promise<ConnectionEnd>;
  readonly #websocket: WebSocket;
  readonly #server: Duplex;
  readonly #closing = new AbortController();
  #reason: EndReason | undefined;

  constructor(options: ConnectionOptions) {
    const { websocket, server } = options;
    this.desktop = options.desktop;
    this.viewer = options.viewer;
    this.#websocket = websocket;
    this.#server = server;
    this.ended = this.#run(options);
  }

  /** Nothing of the viewer passes any more when it returns. */
  close(reason: EndReason): void {
    this.#reason ??= reason;
    this.#closing.abort(new Error(reason));
  }

  async #run(options: ConnectionOptions): Promise<ConnectionEnd> {
    const websocket = this.#websocket;
    const viewer = createWebSocketStream(websocket);
    viewer.on("error", () => {});
    websocket.on("message", (_data, isBinary) => {
      if (!isBinary) this.close("protocol");
    });
    const age = setTimeout(() => this.close("too_long"), options.maxAgeMs).unref();
    const ping = keepAlive(websocket);
    let error: unknown;
    try {
      const { server, findLease, record, onStuck } = options;
      const signal = this.#closing.signal;
      await new Relay({ viewer, server, signal, findLease, record, onStuck }).run();
    } catch (thrown) {
      if (this.#reason === undefined) error = thrown;
      this.close(reasonOf(thrown));
    } finally {
      clearTimeout(age);
      clearInterval(ping);
      this.#server.destroy();
      sayGoodbye(websocket, codeOf(this.#reason));
    }
    return { reason: this.#reason ?? "left", ...(error !== undefined && { error }) };
  }
}

function reasonOf(thrown: unknown): EndReason {
  if (thrown instanceof EndOfStream) return "left";
  if (thrown instanceof ServerGone) return "desktop_unavailable";
  if (thrown instanceof ProtocolError) return "protocol";
  const isLate = thrown instanceof DOMException && thrown.name === "TimeoutError";
  return isLate ? "protocol" : "audit_unavailable";
}

function codeOf(reason: EndReason = "left"): number {
  if (reason === "left") return NORMAL;
  return reason === "shutdown" ? GOING_AWAY : VNC_CLOSE_CODES[reason];
}

function sayGoodbye(websocket: WebSocket, code: number): void {
  if (websocket.readyState === websocket.CLOSED) return;
  const timer = setTimeout(() => websocket.terminate(), GOODBYE_MS).unref();
  websocket.once("close", () => clearTimeout(timer));
  websocket.close(code);
}

/** Ends a connection whose other side has gone without a word. */
function keepAlive(websocket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  websocket.on("pong", () => {
    isAlive = true;
  });
  return setInterval(() => {
    if (!isAlive) return websocket.terminate();
    isAlive = false;
    websocket.ping();
  }, PING_MS).unref();
}
