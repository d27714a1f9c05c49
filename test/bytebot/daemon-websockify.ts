import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { Desk } from "./desk.ts";
import { RfbServer, type VncInput } from "./rfb-server.ts";
import type { Watch } from "./watch.ts";

/** `/websockify`: the desktop's VNC server in a WebSocket. A plain GET breaks it for everyone after. */
export class Websockify {
  broken = false;
  /** Everything that viewers sent to move the desktop, in order. */
  readonly received: VncInput[] = [];
  /** Viewers that are connected. */
  readonly open = new Set<Duplex>();
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #desk: Desk;
  readonly #watch: Watch;
  readonly #apiKey: string | undefined;

  constructor(desk: Desk, watch: Watch, apiKey: string | undefined) {
    this.#desk = desk;
    this.#watch = watch;
    this.#apiKey = apiKey;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const isAllowed =
      this.#apiKey === undefined || request.headers.authorization === `Bearer ${this.#apiKey}`;
    if (this.broken || !isAllowed || request.url !== "/websockify") {
      socket.destroy();
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      const stream = createWebSocketStream(websocket);
      stream.on("error", () => undefined);
      this.open.add(stream);
      stream.on("close", () => {
        this.open.delete(stream);
        this.#watch.changed();
      });
      const server = new RfbServer(stream, this.#desk, (input) => {
        this.received.push(input);
        this.#watch.changed();
      });
      this.#watch.changed();
      server.serve().catch(() => stream.destroy());
    });
  }
}
