import RFB from "@novnc/novnc";
import type { Size } from "./picture-point.ts";

export interface VncClientOptions {
  readonly url: string;
  /** Filled with the picture. */
  readonly place: HTMLElement;
  readonly isViewOnly: boolean;
  readonly onConnect: (size: Size) => void;
  /** Of the connection's end, as the gateway or the browser gives it; not after `close`. */
  readonly onEnd: (code: number) => void;
}

/** What noVNC shows by `data:` pictures, which this page's policy does not know; RFC 6143 and its registry. */
const UNWANTED: ReadonlySet<number> = new Set([
  21, // JPEG
  -260, // TightPNG
  // Quality levels: without one, Tight sends no JPEG.
  ...Array.from({ length: 10 }, (_, level) => -32 + level),
  // Pointers as pictures of their own: the server paints them into its picture instead, so that
  // whoever only looks sees where the pointer is.
  -239,
  0x574d5664,
]);

const { clientEncodings } = RFB.messages;
RFB.messages.clientEncodings = (socket, encodings) =>
  clientEncodings(
    socket,
    encodings.filter((encoding) => !UNWANTED.has(encoding)),
  );

/** One connection to a desktop's VNC, shown by noVNC. */
export class VncClient {
  readonly #rfb: RFB;
  #isClosed = false;

  constructor({ url, place, isViewOnly, onConnect, onEnd }: VncClientOptions) {
    // Opened here because noVNC does not tell the code of its end.
    const socket = new WebSocket(url);
    socket.addEventListener("close", ({ code }) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      onEnd(code);
    });
    this.#rfb = new RFB(place, socket, { shared: true });
    this.#rfb.viewOnly = isViewOnly;
    this.#rfb.scaleViewport = true;
    this.#rfb.background = "transparent";
    this.#rfb.addEventListener("connect", () => {
      const canvas = place.querySelector("canvas");
      if (canvas !== null) onConnect({ width: canvas.width, height: canvas.height });
    });
  }

  set isViewOnly(isViewOnly: boolean) {
    this.#rfb.viewOnly = isViewOnly;
  }

  /** Gives the keys to the desktop. */
  focus(): void {
    this.#rfb.focus();
  }

  blur(): void {
    this.#rfb.blur();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rfb.disconnect();
  }
}
