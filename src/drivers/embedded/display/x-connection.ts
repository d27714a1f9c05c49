import { EventEmitter } from "node:events";
import { createConnection, type Socket } from "node:net";
import type { Client, Display, Event, XTest } from "x11";
import { AUTHORITY_NAME } from "./authority.ts";

/** Longest wait for an answer; a server that takes longer hangs. Milliseconds. */
const ANSWER_TIMEOUT = 15_000;

/** A window without pixels of its own (X protocol, CreateWindow). */
const INPUT_ONLY = 2;

/** The connection ended before the server answered, or there was none any more. */
export class XLostError extends Error {
  override readonly name = "XLostError";

  constructor(cause?: unknown) {
    super("the connection to the X server is lost", cause === undefined ? undefined : { cause });
  }
}

/** The X server refused a request, for example because the window it names is gone. */
export class XRequestError extends Error {
  override readonly name = "XRequestError";
}

type Answer<Reply> = (error: Error | null | undefined, reply: Reply) => boolean;

/**
 * Connects to the X server behind a socket with its cookie. Rejects with XLostError. The package is
 * loaded with the first connection, because a gateway without a screen never needs it.
 */
export async function connectX(socketPath: string, cookie: Uint8Array): Promise<XConnection> {
  const { createClient } = await import("x11");
  const stream = createConnection(socketPath);
  const auth = { name: AUTHORITY_NAME, data: Buffer.from(cookie).toString("latin1") };
  const { display, xtest } = await new Promise<{ display: Display; xtest: XTest }>(
    (resolve, reject) => {
      const fail = (error: unknown): void => {
        stream.destroy();
        reject(new XLostError(error));
      };
      const timer = setTimeout(fail, ANSWER_TIMEOUT);
      const options = { stream, auth, bufferRequests: true, disableBigRequests: true };
      createClient(options, (error, connected) => {
        clearTimeout(timer);
        if (error) return fail(error);
        // The package keeps what one server calls its names for all servers, unless it gets a copy.
        connected.client.atoms = { ...connected.client.atoms };
        connected.client.require("xtest", (missing, extension) => {
          if (missing) fail(missing);
          else resolve({ display: connected, xtest: extension });
        });
      }).on("error", fail);
    },
  );
  return new XConnection(stream, display, xtest);
}

/** One client of an X server, with promises for its answers. Everything goes out in order. */
export class XConnection implements Disposable {
  readonly root: number;
  readonly width: number;
  readonly height: number;
  readonly firstKeycode: number;
  readonly lastKeycode: number;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  readonly events = new EventEmitter<{ event: [Event] }>();
  readonly #stream: Socket;
  readonly #client: Client;
  readonly #xtest: XTest;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #atoms = new Map<string, Promise<number>>();
  #isLost = false;
  #inputs = 0;

  constructor(stream: Socket, display: Display, xtest: XTest) {
    const screen = display.screen[0];
    const format = screen && display.format[screen.root_depth];
    if (screen === undefined || format?.bits_per_pixel !== 32 || display.image_byte_order !== 0) {
      stream.destroy();
      throw new XRequestError("the screen is not one of 32 bits a pixel, lowest byte first");
    }
    this.root = screen.root;
    this.width = screen.pixel_width;
    this.height = screen.pixel_height;
    this.firstKeycode = display.min_keycode;
    this.lastKeycode = display.max_keycode;
    this.#stream = stream;
    this.#client = display.client;
    this.#xtest = xtest;
    this.#client.on("event", (event) => this.events.emit("event", event));
    // Errors of requests that have no answer: a window went away meanwhile. Those of the stream end it.
    this.#client.removeAllListeners("error").on("error", () => {});
    this.ended = new Promise((resolve) => {
      stream.once("close", () => {
        this.#lose();
        resolve();
      });
    });
    if (stream.destroyed) this.#lose();
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** How many inputs were sent: what may have had an effect. */
  get inputs(): number {
    return this.#inputs;
  }

  key(keycode: number, isDown: boolean): void {
    this.#fake(isDown ? this.#xtest.KeyPress : this.#xtest.KeyRelease, keycode, 0, 0);
  }

  button(number: number, isDown: boolean): void {
    this.#fake(isDown ? this.#xtest.ButtonPress : this.#xtest.ButtonRelease, number, 0, 0);
  }

  motion(x: number, y: number): void {
    this.#fake(this.#xtest.MotionNotify, 0, x, y);
  }

  /** Resolves when the server has done everything sent before. */
  async sync(): Promise<void> {
    await this.ask((client, answer) => client.GetInputFocus(answer));
  }

  /** Sends a request that has an answer. Rejects with XRequestError or XLostError. */
  async ask<Reply>(request: (client: Client, answer: Answer<Reply>) => void): Promise<Reply> {
    if (this.#isLost) throw new XLostError();
    return await new Promise<Reply>((resolve, reject) => {
      const timer = setTimeout(() => this.#stream.destroy(), ANSWER_TIMEOUT);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        this.#waiting.delete(fail);
        reject(error);
      };
      this.#waiting.add(fail);
      request(this.#client, (error, reply) => {
        if (error) {
          fail(new XRequestError("the X server refused a request", { cause: error }));
        } else {
          clearTimeout(timer);
          this.#waiting.delete(fail);
          resolve(reply);
        }
        return true;
      });
    });
  }

  /** Sends a request without an answer. Throws XLostError. */
  tell(request: (client: Client) => void): void {
    if (this.#isLost) throw new XLostError();
    request(this.#client);
  }

  /** The number the server gives a name; asked for once. */
  atom(name: string): Promise<number> {
    const known = this.#atoms.get(name);
    if (known !== undefined) return known;
    const asked = this.ask<number>((client, answer) => client.InternAtom(false, name, answer));
    this.#atoms.set(name, asked);
    return asked;
  }

  /** A window nobody sees, to own things with. */
  createHiddenWindow(): number {
    const id = this.#client.AllocID();
    this.tell((client) =>
      client.CreateWindow(id, this.root, -1, -1, 1, 1, 0, 0, INPUT_ONLY, 0, {}),
    );
    return id;
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
    this.#lose();
  }

  #fake(type: number, detail: number, x: number, y: number): void {
    if (this.#isLost) throw new XLostError();
    this.#inputs += 1;
    this.#xtest.FakeInput(type, detail, 0, type === this.#xtest.MotionNotify ? this.root : 0, x, y);
  }

  #lose(): void {
    this.#isLost = true;
    for (const fail of [...this.#waiting]) fail(new XLostError());
  }
}
