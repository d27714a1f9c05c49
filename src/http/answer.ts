import type { Readable } from "node:stream";
import type { ResponseSink } from "./response-sink.ts";
import type { Upgrade } from "./upgrades.ts";

/** What leaves, by its kind. */
export interface Bodies {
  /** A value, written as JSON. */
  readonly json: unknown;
  /** All of it, at once. */
  readonly bytes: Uint8Array | string;
  /** Bytes that are read as the client takes them; one that takes none for a minute is cut off. */
  readonly stream: Readable;
  /** Headers at once, and whatever is written to the sink later. Disposed when the client is gone. */
  readonly live: (sink: ResponseSink) => Disposable;
  /** A response of the web's kind. */
  readonly web: Response;
  /** A connection that becomes a WebSocket; what it rejects with before that is the answer. */
  readonly upgrade: (upgrade: Upgrade) => Promise<void>;
}

export type BodyKind = keyof Bodies;

interface Head {
  /** 200 where nothing is said. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/**
 * An answer that is more than a value with 200. Handlers make one and return it; nothing but
 * `send-answer.ts` sends, so that no handler can send twice, after the end, or what cannot be sent.
 */
export class HttpAnswer<Kind extends BodyKind = BodyKind> {
  readonly kind: Kind;
  readonly body: Bodies[Kind];
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;

  constructor(kind: Kind, body: Bodies[Kind], { status = 200, headers = {} }: Head = {}) {
    this.kind = kind;
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

export const jsonAnswer = (value: unknown, head?: Head) => new HttpAnswer("json", value, head);
export const bytesAnswer = (bytes: Uint8Array | string, head?: Head) =>
  new HttpAnswer("bytes", bytes, head);
export const streamAnswer = (stream: Readable, head?: Head) =>
  new HttpAnswer("stream", stream, head);
export const liveAnswer = (begin: Bodies["live"], head?: Head) =>
  new HttpAnswer("live", begin, head);
export const webAnswer = (response: Response) => new HttpAnswer("web", response);
export const upgradeAnswer = (accept: Bodies["upgrade"]) => new HttpAnswer("upgrade", accept);
