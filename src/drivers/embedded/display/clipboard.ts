import type { SelectionRequest } from "x11";
import type { XConnection } from "./x-connection.ts";

/** Fits any server's limit on one request; a longer text is appended in pieces. */
const PIECE = 60_000;

/** X protocol: nothing, the time now, and the types of a list of names and of Latin-1 text. */
const NONE = 0;
const NOW = 0;
const ATOM = 4;
const STRING = 31;

const REPLACE = 0;
const APPEND = 2;

/** Names of what a text is offered as; all but STRING are UTF-8. */
const UTF8_NAMES = ["UTF8_STRING", "text/plain;charset=utf-8", "TEXT"];

interface Names {
  readonly clipboard: number;
  readonly targets: number;
  readonly utf8: number;
  /** Every name of UTF-8 text. */
  readonly texts: ReadonlySet<number>;
}

export interface Offer {
  readonly fetched: Promise<void>;
  readonly withdraw: () => void;
}

/** Opens the clipboard of a display. */
export async function openClipboard(connection: XConnection): Promise<Clipboard> {
  const [clipboard, targets, ...texts] = await Promise.all(
    ["CLIPBOARD", "TARGETS", ...UTF8_NAMES].map((name) => connection.atom(name)),
  );
  const [utf8] = texts;
  if (clipboard === undefined || targets === undefined || utf8 === undefined) {
    throw new Error("the X server named too few names");
  }
  return new Clipboard(connection, { clipboard, targets, utf8, texts: new Set(texts) });
}

/** Owns the display's clipboard and hands its text to whoever asks for it (ICCCM, section 2). */
export class Clipboard {
  readonly #connection: XConnection;
  readonly #names: Names;
  readonly #window: number;
  #text: Buffer | undefined;
  #fetched = (): void => {};

  constructor(connection: XConnection, names: Names) {
    this.#connection = connection;
    this.#names = names;
    this.#window = connection.createHiddenWindow();
    connection.events.on("event", (event) => {
      if (event.name === "SelectionRequest") this.#serve(event);
      if (event.name === "SelectionClear" && event.selection === names.clipboard) {
        this.#text = undefined;
      }
    });
  }

  /**
   * Puts a text on the clipboard, where it stays until it is withdrawn or somebody puts another there.
   * Resolves when it is there; `fetched` resolves when the first program has got it. Withdrawn, nobody
   * gets it any more; what somebody has copied since stays.
   */
  async offer(text: string): Promise<Offer> {
    const { clipboard } = this.#names;
    const bytes = Buffer.from(text, "utf8");
    this.#text = bytes;
    const fetched = new Promise<void>((resolve) => {
      this.#fetched = resolve;
    });
    this.#connection.tell((client) => client.SetSelectionOwner(this.#window, clipboard, NOW));
    const owner = await this.#connection.ask<number>((client, answer) =>
      client.GetSelectionOwner(clipboard, answer),
    );
    if (owner !== this.#window) throw new Error("the clipboard could not be taken");
    const withdraw = () => {
      if (this.#text === bytes) this.#text = undefined;
    };
    return { fetched, withdraw };
  }

  #serve(request: SelectionRequest): void {
    if (this.#connection.isLost) return;
    const { requestor, selection, target, time } = request;
    // Old programs name no property of their own.
    const property = request.property === NONE ? target : request.property;
    const isServed = selection === this.#names.clipboard && this.#put(requestor, property, target);
    this.#connection.tell((client) =>
      client.SendEvent(requestor, 0, 0, {
        name: "SelectionNotify",
        seq: 0,
        time,
        requestor,
        selection,
        target,
        property: isServed ? property : NONE,
      }),
    );
    if (isServed && target !== this.#names.targets) this.#fetched();
  }

  /** Writes what is asked for to a property of the window that asks; says whether it could. */
  #put(window: number, property: number, target: number): boolean {
    const { targets, texts, utf8 } = this.#names;
    if (this.#text === undefined) return false;
    if (target === targets) {
      const names = [targets, ...texts, STRING];
      const list = Buffer.alloc(names.length * 4);
      for (const [index, name] of names.entries()) list.writeUInt32LE(name, index * 4);
      this.#connection.tell((client) =>
        client.ChangeProperty(REPLACE, window, property, ATOM, 32, list),
      );
      return true;
    }
    if (target === STRING) {
      this.#write(window, property, STRING, toLatin(this.#text));
      return true;
    }
    if (!texts.has(target)) return false;
    // TEXT leaves the choice of the type to whoever answers.
    const isPlain = [...texts].at(-1) === target;
    this.#write(window, property, isPlain ? utf8 : target, this.#text);
    return true;
  }

  #write(window: number, property: number, type: number, bytes: Buffer): void {
    for (let at = 0; at === 0 || at < bytes.length; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      const mode = at === 0 ? REPLACE : APPEND;
      this.#connection.tell((client) =>
        client.ChangeProperty(mode, window, property, type, 8, piece),
      );
    }
  }
}

function toLatin(utf8: Buffer): Buffer {
  const isLatin = (character: string): boolean => (character.codePointAt(0) ?? 0) <= 0xff;
  const text = Array.from(utf8.toString("utf8"), (it) => (isLatin(it) ? it : "?")).join("");
  return Buffer.from(text, "latin1");
}
