/** What is used of noVNC, which has no types of its own (its docs/API.md). */
declare module "@novnc/novnc" {
  interface RfbMessages {
    clientEncodings(socket: unknown, encodings: readonly number[]): void;
  }

  export default class RFB extends EventTarget {
    static messages: RfbMessages;
    constructor(place: HTMLElement, channel: WebSocket, options?: { readonly shared?: boolean });
    viewOnly: boolean;
    scaleViewport: boolean;
    background: string;
    focus(): void;
    blur(): void;
    disconnect(): void;
  }
}
