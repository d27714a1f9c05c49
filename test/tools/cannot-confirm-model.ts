import { signedFetch } from "../support/call.ts";
import type { Credentials, Gateway } from "../support/gateway.ts";

export interface Told {
  readonly status: number;
  readonly text: string;
  /** Of a card; null where there is none. */
  readonly location: string | null;
}

/**
 * A model with a requester's key that remembers every address it is given. Of a trusted approval
 * surface the `Location` of a card is for the person's browser, and the model is given the body alone.
 */
export class Model {
  readonly key: string;
  readonly credentials: Credentials;
  readonly #gateway: Gateway;
  readonly #urls = new Set<string>();
  readonly #followed = new Set<string>();

  /** @param key none is a stranger's */
  constructor(gateway: Gateway, key: string | undefined) {
    this.#gateway = gateway;
    this.key = key ?? "nobody";
    this.credentials = (key !== undefined && gateway.keys[key]) || {};
  }

  async send(
    method: string,
    target: string,
    body?: unknown,
    credentials: Credentials = this.credentials,
  ): Promise<Told> {
    const answer = await signedFetch(
      this.#gateway,
      method,
      target,
      body,
      credentials,
      target === "/mcp" ? { accept: "application/json, text/event-stream" } : {},
    );
    const location = answer.headers.get("location");
    if (location !== null && this.key !== "trusted") this.#urls.add(location);
    const text = await readText(method, answer);
    this.hear(text, target);
    return { status: answer.status, text, location };
  }

  /** Takes in what came by another way, or what a page at `from` says. */
  hear(text: string, from = "/"): void {
    const base = new URL(from, this.#gateway.url).href;
    // Text within JSON within JSON too.
    const plain = text.replaceAll(/\\+(["/])/g, "$1");
    for (const pattern of ADDRESSES) {
      for (const [, address = ""] of plain.matchAll(pattern)) {
        if (URL.canParse(address, base)) this.#urls.add(new URL(address, base).href);
      }
    }
  }

  /** Addresses of this gateway that it was given since the last time. */
  takeUrls(): readonly URL[] {
    const { port } = this.#gateway;
    const fresh = [...this.#urls].filter((url) => !this.#followed.has(url));
    for (const url of fresh) this.#followed.add(url);
    return fresh
      .map((url) => new URL(url))
      .filter((url) => url.port === String(port) && OWN_NAMES.has(url.hostname));
  }
}

const OWN_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1"]);
const ADDRESSES = [
  /(https?:\/\/[^\s"'`<>\\)\]}]+)/g,
  /["'](\/[a-z][\w./-]*(?:[?#][^"'\s]*)?)["']/g,
  /(?:href|src|action)="([^"]+)"/g,
];

/** A stream that is followed has no end; pictures and scripts name no addresses of tasks. */
async function readText(method: string, answer: Response): Promise<string> {
  const type = answer.headers.get("content-type") ?? "";
  const isEndless = method === "GET" && type.startsWith("text/event-stream");
  if (!isEndless && !/^(?:image\/|text\/javascript)/.test(type)) return answer.text();
  await answer.body?.cancel();
  return "";
}
