import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** A request that reached a receiver. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Says what to do with the n-th request, from 0: a status, or no answer in one of two ways. */
type Behaviour = (n: number) => number | "reset" | "hang";

export const SECRET = `whsec_${Buffer.alloc(32, "signing").toString("base64")}`;

/** Starts a receiver on a port of this machine; `path` is part of its address. */
export async function startReceiver(
  behaviour: Behaviour = () => 204,
  path = "/hooks/of-this-test",
): Promise<Receiver> {
  const receiver = new Receiver(behaviour, path);
  await receiver.listen();
  return receiver;
}

export class Receiver implements AsyncDisposable {
  behaviour: Behaviour;
  /** In the order of their arrival, answered or not. */
  readonly requests: Received[] = [];
  readonly #server: Server;
  readonly #path: string;
  readonly #waiting = new Set<() => void>();

  constructor(behaviour: Behaviour, path: string) {
    this.behaviour = behaviour;
    this.#path = path;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const n = this.requests.length;
        this.requests.push({
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
        });
        const answer = this.behaviour(n);
        if (answer === "reset") request.socket.resetAndDestroy();
        else if (answer !== "hang") {
          const headers = answer === 302 ? { location: this.url } : {};
          response.writeHead(answer, headers).end("an answer nobody reads");
        }
        for (const look of this.#waiting) look();
      });
    });
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.#path}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Resolves with all requests once there are so many. */
  async received(count: number): Promise<readonly Received[]> {
    while (this.requests.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
    return this.requests;
  }

  /** Resolves once a request has come that the test accepts. */
  async receivedWhere(accept: (message: StandardMessage) => boolean): Promise<StandardMessage> {
    for (let n = 0; ; n++) {
      const request = (await this.received(n + 1))[n];
      const message = request === undefined ? undefined : verified(request);
      if (message !== undefined && accept(message)) return message;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export interface StandardMessage {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The message, its signature verified by the library of Standard Webhooks. Throws where it is wrong. */
export function verified({ headers, body }: Received, secret: string = SECRET): StandardMessage {
  return new Webhook(secret).verify(body, headers as Record<string, string>) as StandardMessage;
}

export const typesOf = (requests: readonly Received[]) =>
  requests.map((request) => verified(request).type);
export const idsOf = (requests: readonly Received[]) =>
  requests.map(({ headers }) => headers["webhook-id"]);
