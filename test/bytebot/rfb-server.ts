import type { Duplex } from "node:stream";
import { decodePng } from "../../src/lib/png.ts";
import type { Button, Desk } from "./desk.ts";

/** What a viewer sent that a VNC server acts on. */
export type VncInput =
  | { readonly kind: "pointer"; readonly x: number; readonly y: number; readonly mask: number }
  | { readonly kind: "key"; readonly keysym: number; readonly down: boolean }
  | { readonly kind: "cut"; readonly text: string }
  | { readonly kind: "encodings"; readonly encodings: readonly number[] }
  /** A type that it does not know, after which it hangs up. */
  | { readonly kind: "unknown"; readonly type: number };

interface PixelFormat {
  readonly isBigEndian: boolean;
  readonly shifts: readonly [red: number, green: number, blue: number];
}

const VERSION = "RFB 003.008\n";
const NAME = "bytebot";
/** ms before a viewer that has the newest picture gets another. */
const REFRESH_MS = 250;
const BUTTONS: readonly (readonly [mask: number, button: Button])[] = [
  [1, "left"],
  [2, "middle"],
  [4, "right"],
];
const WHEEL: readonly (readonly [mask: number, direction: string])[] = [
  [8, "up"],
  [16, "down"],
  [32, "left"],
  [64, "right"],
];
const KEYS: Readonly<Record<number, string>> = {
  65289: "Tab",
  65293: "Return",
  65288: "BackSpace",
  65307: "Escape",
  65505: "Shift_L",
  65507: "Control_L",
  65513: "Alt_L",
};

/** An RFB 3.8 server (RFC 6143) over the desk, for one viewer: raw pictures, no security. */
export class RfbServer {
  readonly #stream: Duplex;
  readonly #desk: Desk;
  readonly #onInput: (input: VncInput) => void;
  #format: PixelFormat = { isBigEndian: false, shifts: [16, 8, 0] };
  #mask = 0;

  constructor(stream: Duplex, desk: Desk, onInput: (input: VncInput) => void) {
    this.#stream = stream;
    this.#desk = desk;
    this.#onInput = onInput;
  }

  async serve(): Promise<void> {
    this.#stream.write(VERSION);
    if ((await this.#take(12)).toString() !== VERSION) throw new Error("another version");
    this.#stream.write(Buffer.of(1, 1));
    if ((await this.#take(1))[0] !== 1) throw new Error("another security type");
    this.#stream.write(Buffer.alloc(4));
    await this.#take(1);
    const { width, height } = this.#desk.screen;
    const head = Buffer.alloc(24);
    head.writeUInt16BE(width, 0);
    head.writeUInt16BE(height, 2);
    head.set([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0], 4);
    head.writeUInt32BE(NAME.length, 20);
    this.#stream.write(Buffer.concat([head, Buffer.from(NAME)]));
    for (;;) await this.#message();
  }

  async #message(): Promise<void> {
    const type = (await this.#take(1)).readUInt8();
    const handle = this.#messages[type];
    if (handle !== undefined) return await handle();
    this.#onInput({ kind: "unknown", type });
    throw new Error(`type ${type}`);
  }

  readonly #messages: Readonly<Record<number, () => Promise<void>>> = {
    0: async () => {
      const format = await this.#take(19);
      this.#format = {
        isBigEndian: format.readUInt8(5) !== 0,
        shifts: [format.readUInt8(13), format.readUInt8(14), format.readUInt8(15)],
      };
    },
    2: async () => {
      const count = (await this.#take(3)).readUInt16BE(1);
      const bytes = await this.#take(4 * count);
      const encodings = Array.from({ length: count }, (_, index) => bytes.readInt32BE(4 * index));
      this.#onInput({ kind: "encodings", encodings });
    },
    3: async () => {
      const isIncremental = (await this.#take(9)).readUInt8(0) !== 0;
      setTimeout(() => void this.#sendPicture(), isIncremental ? REFRESH_MS : 0).unref();
    },
    4: async () => {
      const bytes = await this.#take(7);
      await this.#key(bytes.readUInt32BE(3), bytes.readUInt8(0) !== 0);
    },
    5: async () => {
      const bytes = await this.#take(5);
      await this.#pointer(bytes.readUInt16BE(1), bytes.readUInt16BE(3), bytes.readUInt8(0));
    },
    6: async () => {
      const length = (await this.#take(7)).readUInt32BE(3);
      const text = (await this.#take(length)).toString("latin1");
      this.#onInput({ kind: "cut", text });
      await this.#desk.setClipboard(text);
    },
    255: async () => {
      const bytes = await this.#take(11);
      await this.#key(bytes.readUInt32BE(3), bytes.readUInt16BE(1) !== 0);
    },
  };

  async #key(keysym: number, down: boolean): Promise<void> {
    this.#onInput({ kind: "key", keysym, down });
    const key = KEYS[keysym] ?? (keysym === 32 ? "space" : String.fromCodePoint(keysym & 0xffff));
    await this.#desk.keys([[key, down ? "down" : "up"]]);
  }

  async #pointer(x: number, y: number, mask: number): Promise<void> {
    this.#onInput({ kind: "pointer", x, y, mask });
    await this.#desk.move(x, y);
    for (const [bit, button] of BUTTONS) {
      const isDown = (mask & bit) !== 0;
      if (isDown !== ((this.#mask & bit) !== 0)) {
        await this.#desk.button(button, isDown ? "down" : "up");
      }
    }
    for (const [bit, direction] of WHEEL) {
      if ((mask & bit) !== 0 && (this.#mask & bit) === 0) await this.#desk.scroll(direction);
    }
    this.#mask = mask;
  }

  /** The whole screen, 32 bits a pixel. */
  async #sendPicture(): Promise<void> {
    if (this.#stream.destroyed) return;
    const { width, height, rgb } = await decodePng(await this.#desk.capture(), {
      maxPixels: 10_000_000,
    });
    const { isBigEndian, shifts } = this.#format;
    const [red, green, blue] = shifts.map((shift) => (isBigEndian ? 3 - shift / 8 : shift / 8));
    const head = Buffer.alloc(16);
    head.writeUInt16BE(1, 2);
    head.writeUInt16BE(width, 8);
    head.writeUInt16BE(height, 10);
    const pixels = Buffer.alloc(width * height * 4);
    for (let index = 0; index < width * height; index += 1) {
      pixels[index * 4 + (red ?? 0)] = rgb[index * 3] ?? 0;
      pixels[index * 4 + (green ?? 0)] = rgb[index * 3 + 1] ?? 0;
      pixels[index * 4 + (blue ?? 0)] = rgb[index * 3 + 2] ?? 0;
    }
    if (!this.#stream.destroyed) this.#stream.write(Buffer.concat([head, pixels]));
  }

  async #take(size: number): Promise<Buffer> {
    for (;;) {
      if (size === 0) return Buffer.alloc(0);
      const chunk: Buffer | null = this.#stream.read(size);
      if (chunk?.length === size) return chunk;
      if (chunk !== null || this.#stream.readableEnded) throw new Error("the viewer has gone");
      await new Promise<void>((resolve) => {
        const settle = () => {
          this.#stream.off("readable", settle).off("end", settle).off("close", settle);
          resolve();
        };
        this.#stream.on("readable", settle).on("end", settle).on("close", settle);
      });
    }
  }
}
