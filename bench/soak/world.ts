import { setTimeout as pause } from "node:timers/promises";
import { Agent, type Dispatcher } from "undici";
import { authenticate, type Key, type Keys } from "./keys.ts";
import type { Meter } from "./meter.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: each actor knows what it asked for.
  json(): any;
}

export interface Ask {
  readonly key?: Key;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Outcomes that are right here; where it is missing, any status below 300. */
  readonly expects?: readonly string[];
  /** Reads in small sips: ms between two chunks. */
  readonly sipMs?: number;
  readonly signal?: AbortSignal;
}

/** Whatever is asked while everything is stopped, or where one desktop is another's, may be told so. */
const ALWAYS_RIGHT = /^503 (?:stopped|desktop_unavailable)$|^429 /;

/** The gateway as those who use it see it, with a meter on every answer. */
export class World implements AsyncDisposable {
  readonly url: string;
  readonly keys: Keys;
  readonly meter: Meter;
  /** Aborted when the soak ends, or the gateway has. */
  readonly signal: AbortSignal;
  /** Of a page that the embedded desktop's browser shows. */
  readonly pageUrl: string;
  readonly #agent = new Agent({ pipelining: 1, keepAliveTimeout: 4000, bodyTimeout: 90_000 });

  constructor(
    gateway: { readonly url: string; readonly keys: Keys; readonly pageUrl: string },
    meter: Meter,
    signal: AbortSignal,
  ) {
    this.url = gateway.url;
    this.keys = gateway.keys;
    this.pageUrl = gateway.pageUrl;
    this.meter = meter;
    this.signal = signal;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** One request, measured under `kind`; `undefined` where no answer came to its end. */
  async ask(
    kind: string,
    method: string,
    target: string,
    { key, body, headers = {}, expects, sipMs, signal }: Ask = {},
  ): Promise<Answer | undefined> {
    const text = typeof body === "string" || Buffer.isBuffer(body) ? body : encode(body);
    const given = {
      ...(text.length > 0 && { "content-type": "application/json" }),
      ...(key && authenticate(key, method, target, text)),
      ...headers,
    };
    const sent = performance.now();
    let answer: Answer;
    try {
      const raw = await this.#agent.request({
        origin: this.url,
        path: target,
        method: method as Dispatcher.HttpMethod,
        headers: given,
        ...(text.length > 0 && { body: text }),
        ...(signal && { signal }),
      });
      const bytes = await read(raw.body, sipMs);
      const { statusCode: status } = raw;
      answer = { status, headers: raw.headers, body: bytes, json: () => JSON.parse(`${bytes}`) };
    } catch (error) {
      const isOurs = this.signal.aborted || signal?.aborted === true;
      if (!isOurs) this.meter.record(kind, sent, `lost (${codeOf(error)})`, false);
      return undefined;
    }
    const outcome = outcomeOf(answer);
    const isExpected =
      expects === undefined
        ? answer.status < 300
        : expects.includes(outcome) || expects.includes(String(answer.status));
    this.meter.record(kind, sent, outcome, isExpected || ALWAYS_RIGHT.test(outcome));
    return answer;
  }

  /** Resolves early where the soak ends. */
  async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.signal }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

function encode(body: unknown): string {
  return body === undefined ? "" : JSON.stringify(body);
}

async function read(body: Dispatcher.ResponseData["body"], sipMs?: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    if (sipMs !== undefined) await pause(sipMs);
  }
  return Buffer.concat(chunks);
}

/** The status, with the code of a problem. */
function outcomeOf({ status, body }: Answer): string {
  if (status < 400) return String(status);
  const code = /"code":"([a-z_]+)"/.exec(body.toString("latin1", 0, 4096))?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** From `least` to `most`. */
export function random(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

export function isOneIn(chances: number): boolean {
  return Math.random() * chances < 1;
}

export function oneOf<Item>(items: readonly [Item, ...Item[]]): Item {
  return items[Math.floor(Math.random() * items.length)] ?? items[0];
}
