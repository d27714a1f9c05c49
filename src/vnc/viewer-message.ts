import type { Readable } from "node:stream";
import { isForwardable } from "./encodings.ts";
import { ProtocolError } from "./protocol-error.ts";
import { readExactly } from "./read-exactly.ts";

/** What moves the desktop: it passes with a lease only. */
export type InputKind = "pointer" | "key" | "clipboard";

/** A message of a viewer, whole and in its one spelling. */
export type ViewerMessage =
  /** Asks for pictures, and how. */
  | { readonly kind: "view"; readonly bytes: Buffer }
  | { readonly kind: InputKind; readonly bytes: Buffer }
  /** Known, and never passed on. */
  | { readonly kind: "none" };

type Take = (size: number) => Promise<Buffer>;

const MAX_ENCODINGS = 256;
/** Bytes of text for the desktop's clipboard. */
const MAX_CUT_TEXT = 64 * 1024;
const MAX_FENCE = 64;
const MAX_SCREENS = 16;
const QEMU_KEY = 0;

/** By type, what follows it: RFC 6143, section 7.5, and the extensions that the community registers. */
const MESSAGES: Readonly<Record<number, (type: number, take: Take) => Promise<ViewerMessage>>> = {
  /** SetPixelFormat */
  0: (type, take) => whole("view", type, 19, take),
  2: readEncodings,
  /** FramebufferUpdateRequest */
  3: (type, take) => whole("view", type, 9, take),
  4: (type, take) => whole("key", type, 7, take),
  5: (type, take) => whole("pointer", type, 5, take),
  6: readCutText,
  /** EnableContinuousUpdates */
  150: (type, take) => whole("view", type, 9, take),
  248: readFence,
  /** xvp: shuts the machine down. */
  250: (_type, take) => passOver(3, take),
  251: readDesktopSize,
  255: readQemu,
};

/**
 * The next message of a viewer. It is written anew from what was read, so that the server sees the
 * same message as we did. Rejects with ProtocolError for a type that is not known: where it ends, and
 * what it would do, nobody could tell.
 */
export async function readViewerMessage(
  viewer: Readable,
  signal: AbortSignal,
): Promise<ViewerMessage> {
  const take: Take = (size) => readExactly(viewer, size, signal);
  const type = (await take(1)).readUInt8();
  const read = Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : undefined;
  if (read === undefined) throw new ProtocolError(`message type ${type} is not known`);
  return await read(type, take);
}

async function whole(
  kind: "view" | InputKind,
  type: number,
  size: number,
  take: Take,
): Promise<ViewerMessage> {
  return { kind, bytes: Buffer.concat([Buffer.of(type), await take(size)]) };
}

async function passOver(size: number, take: Take): Promise<ViewerMessage> {
  await take(size);
  return { kind: "none" };
}

/** Without those that would give later messages another length, or power over the machine. */
async function readEncodings(type: number, take: Take): Promise<ViewerMessage> {
  const count = (await take(3)).readUInt16BE(1);
  if (count > MAX_ENCODINGS) throw new ProtocolError(`${count} encodings are too many`);
  const asked = await take(4 * count);
  const kept = Array.from({ length: count }, (_, index) => asked.readInt32BE(4 * index)).filter(
    isForwardable,
  );
  const bytes = Buffer.alloc(4 + 4 * kept.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16BE(kept.length, 2);
  for (const [index, encoding] of kept.entries()) bytes.writeInt32BE(encoding, 4 + 4 * index);
  return { kind: "view", bytes };
}

/** A negative length would be the extended clipboard's, which is never agreed on. */
async function readCutText(type: number, take: Take): Promise<ViewerMessage> {
  const head = await take(7);
  const length = head.readUInt32BE(3);
  if (length > MAX_CUT_TEXT) throw new ProtocolError("the text for the clipboard is too long");
  return { kind: "clipboard", bytes: Buffer.concat([Buffer.of(type), head, await take(length)]) };
}

async function readFence(type: number, take: Take): Promise<ViewerMessage> {
  const head = await take(8);
  const length = head.readUInt8(7);
  if (length > MAX_FENCE) throw new ProtocolError("the payload of a fence is too long");
  return { kind: "view", bytes: Buffer.concat([Buffer.of(type), head, await take(length)]) };
}

/** Plans and other viewers rely on the size that the screen has. */
async function readDesktopSize(_type: number, take: Take): Promise<ViewerMessage> {
  const screens = (await take(7)).readUInt8(5);
  if (screens > MAX_SCREENS) throw new ProtocolError(`${screens} screens are too many`);
  return await passOver(16 * screens, take);
}

async function readQemu(type: number, take: Take): Promise<ViewerMessage> {
  const subtype = (await take(1)).readUInt8();
  if (subtype !== QEMU_KEY) throw new ProtocolError(`QEMU message ${subtype} is not known`);
  return {
    kind: "key",
    bytes: Buffer.concat([Buffer.of(type, subtype), await take(10)]),
  };
}
