import { once } from "node:events";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocket } from "ws";
import { originOf, type Person } from "./people.ts";

/** A viewer of a desktop's VNC that sends whatever a test wants. */
export class VncViewer implements AsyncDisposable {
  readonly websocket: WebSocket;
  /** Resolves with the code when the connection has ended. */
  readonly closed: Promise<number>;
  readonly #stream: Duplex;
  /** Bytes of the server that nobody has taken. */
  #received = Buffer.alloc(0);
  #wake = () => {};

  constructor(websocket: WebSocket) {
    this.websocket = websocket;
    this.closed = once(websocket, "close").then(([code]) => code);
    this.#stream = createWebSocketStream(websocket);
    this.#stream.on("error", () => {});
    this.#stream.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }

  /** The next so many bytes of the server. */
  async take(size: number): Promise<Buffer> {
    while (this.#received.length < size) {
      if (this.websocket.readyState !== WebSocket.OPEN) throw new Error("the connection has ended");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.websocket.once("close", () => resolve());
      });
    }
    const taken = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return taken;
  }

  /** As one message, or as several of so many bytes. */
  send(bytes: Uint8Array, fragment = bytes.length): void {
    for (let from = 0; from < bytes.length; from += fragment) {
      this.websocket.send(bytes.subarray(from, from + fragment));
    }
  }

  /** The handshake up to ServerInit, whose name it gives. */
  async greet(): Promise<{ width: number; height: number; name: string }> {
    const version = await this.take(12);
    this.send(version);
    const [count = 0] = await this.take(1);
    await this.take(count);
    this.send(Buffer.of(1));
    await this.take(4);
    this.send(Buffer.of(0));
    const init = await this.take(24);
    const name = await this.take(init.readUInt32BE(20));
    return {
      width: init.readUInt16BE(0),
      height: init.readUInt16BE(2),
      name: name.toString(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.websocket.terminate();
    await this.closed;
  }
}

/** What a page of the console sends when it opens a live view; `undefined` leaves a header out. */
export function openSocket(
  person: Person,
  desktop: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): WebSocket {
  const all: Record<string, string | undefined> = {
    cookie: person.cookie,
    origin: originOf(person.gateway),
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => !!entry[1]);
  const url = `${originOf(person.gateway).replace("http", "ws")}/desktops/${desktop}/vnc`;
  return new WebSocket(url, {
    headers: Object.fromEntries(given),
    perMessageDeflate: false,
  });
}

/** A live view, opened and greeted. */
export async function watch(person: Person, desktop: string): Promise<VncViewer> {
  const websocket = openSocket(person, desktop);
  const viewer = new VncViewer(websocket);
  viewer.closed.catch(() => {});
  await once(websocket, "open");
  await viewer.greet();
  return viewer;
}

/** The status and code an upgrade is refused with. */
export async function denial(websocket: WebSocket): Promise<[status: number, code: string]> {
  websocket.on("error", () => {});
  const opened = once(websocket, "open").then(() => {
    throw new Error("it was not refused");
  });
  const [, response] = await Promise.race([once(websocket, "unexpected-response"), opened]);
  let text = "";
  for await (const chunk of response) text += chunk;
  return [response.statusCode, JSON.parse(text).code];
}

export const pointer = (x: number, y: number, mask: number): Buffer => {
  const bytes = Buffer.alloc(6);
  bytes.set([5, mask]);
  bytes.writeUInt16BE(x, 2);
  bytes.writeUInt16BE(y, 4);
  return bytes;
};

export const key = (keysym: number, down: boolean): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.set([4, Number(down)]);
  bytes.writeUInt32BE(keysym, 4);
  return bytes;
};

export const qemuKey = (keysym: number, down: boolean): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.set([255, 0, 0, Number(down)]);
  bytes.writeUInt32BE(keysym, 4);
  return bytes;
};

export const cutText = (text: string, length = text.length): Buffer => {
  const bytes = Buffer.alloc(8 + text.length);
  bytes.set([6]);
  bytes.writeUInt32BE(length, 4);
  bytes.write(text, 8, "latin1");
  return bytes;
};

/** Asks for the whole screen: what follows in answer shows that everything before was read. */
export const update = (): Buffer => Buffer.of(3, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff);

export const encodings = (...list: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 + 4 * list.length);
  bytes.set([2]);
  bytes.writeUInt16BE(list.length, 2);
  for (const [index, encoding] of list.entries()) bytes.writeInt32BE(encoding | 0, 4 + 4 * index);
  return bytes;
};
