import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { sign } from "./signing.ts";

const BEYOND = 1_000_000_000;

/** Raw event stream readers: what they cost here must not hide what they cost the server. */
export class Subscribers implements Disposable {
  readonly #sockets: Socket[] = [];
  #frames = 0;
  #opened = 0;
  #waiting: { frames: number; resolve: () => void } | undefined;

  /** Opens so many streams and resolves once each has its headers. */
  async open(url: string, count: number): Promise<void> {
    const { hostname, port } = new URL(url);
    for (let n = 0; n < count; n += 1) {
      this.#opened += 1;
      const socket = connect(Number(port), hostname);
      this.#sockets.push(socket);
      // Beyond every event there is: the stream starts with the newest, and no two are signed alike.
      const target = `/events?since=${BEYOND + this.#opened}`;
      const headers = Object.entries(sign(`GET ${target}:`)).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write(
        `GET ${target} HTTP/1.1\r\nHost: ${hostname}\r\n${headers.join("\r\n")}\r\n\r\n`,
      );
      const [first] = (await once(socket, "data")) as [Buffer];
      if (!first.includes("200 OK")) throw new Error(first.toString());
      socket.on("data", (chunk: Buffer) => this.#count(chunk));
    }
  }

  /** Opens a stream that is never read from, until disposed. */
  async openStalled(url: string): Promise<Disposable> {
    await this.open(url, 1);
    const socket = this.#sockets.pop();
    socket?.pause();
    return { [Symbol.dispose]: () => socket?.destroy() };
  }

  /** Resolves when so many more frames have come in, over all streams. */
  async receive(frames: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { frames: this.#frames + frames, resolve };
    await promise;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #count(chunk: Buffer): void {
    for (let at = chunk.indexOf("data: "); at >= 0; at = chunk.indexOf("data: ", at + 6)) {
      this.#frames += 1;
    }
    if (this.#waiting !== undefined && this.#frames >= this.#waiting.frames)
      this.#waiting.resolve();
  }
}
