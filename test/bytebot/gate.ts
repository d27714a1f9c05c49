import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A listening HTTP server on loopback that can go away and come back on its port. */
export class AuthGate implements AsyncDisposable {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(listener: RequestListener) {
    // A hung request stays as long as the test wants.
    this.server = createServer({ requestTimeout: 0, headersTimeout: 0 }, listener);
    this.server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Also after `stopListening`, on the same port. */
  async listen(): Promise<void> {
    if (this.server.listening) return;
    this.server.listen(this.#port, "127.0.0.1");
    await once(this.server, "listening");
    this.#port = (this.server.address() as AddressInfo).port;
  }

  /** Connections are refused from now on, and those there are broken. */
  async stopListening(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, "close");
    this.server.close();
    this.resetAll();
    await closed;
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopListening();
  }
}
