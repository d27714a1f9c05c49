import { ProtocolError } from "./protocol-error.ts";

/** More than hands and stuck keys together. */
const MAX_KEYS = 64;

/** Keys and buttons that input has left held on the desktop. */
export class HeldKeys {
  /** By keysym, what lets go of it. */
  readonly #keys = new Map<number, Buffer>();
  #pointer: Buffer | undefined;

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#pointer === undefined;
  }

  /** Takes account of an input message before it is passed on. Throws ProtocolError for too many keys. */
  account(bytes: Buffer): void {
    const type = bytes.readUInt8(0);
    if (type === 4) this.#key(bytes.readUInt8(1) !== 0, bytes.readUInt32BE(4), released(bytes, 1));
    if (type === 255) {
      this.#key(bytes.readUInt16BE(2) !== 0, bytes.readUInt32BE(4), released(bytes, 2, 3));
    }
    if (type === 5) this.#pointer = bytes.readUInt8(1) === 0 ? undefined : released(bytes, 1);
  }

  /** The messages that let go of everything, which is not held any more afterwards. */
  release(): Buffer {
    const releases = [...this.#keys.values(), ...(this.#pointer ? [this.#pointer] : [])];
    this.#keys.clear();
    this.#pointer = undefined;
    return Buffer.concat(releases);
  }

  #key(isDown: boolean, keysym: number, release: Buffer): void {
    if (!isDown) this.#keys.delete(keysym);
    else if (this.#keys.size < MAX_KEYS || this.#keys.has(keysym)) this.#keys.set(keysym, release);
    else throw new ProtocolError("more keys are held than there are");
  }
}

/** The same message with these bytes zero: up, or no button pressed. */
function released(bytes: Buffer, ...positions: number[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const position of positions) copy.writeUInt8(0, position);
  return copy;
}
