import { type Dispatcher, Pool } from "undici";

/** What a whole answer was, or its status alone where its body is longer than asked for. */
export interface RawAnswer {
  readonly status: number;
  /** undefined: longer than `maxAnswer`, and not read to its end. */
  readonly body: Buffer | undefined;
}

export interface ExchangeOptions {
  /** ms from now until the whole answer is there. */
  readonly timeoutMs: number;
  /** bytes */
  readonly maxAnswer: number;
  /** Whether a connection that is open already will do; see `Transport`. */
  readonly mayReuse: boolean;
}

/** No whole answer came. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** false: no byte of the request has left. */
  readonly wasSent: boolean;
  readonly isTimeout: boolean;

  constructor(wasSent: boolean, isTimeout: boolean, cause: unknown) {
    super(isTimeout ? "no answer in time" : "no whole answer", { cause });
    this.wasSent = wasSent;
    this.isTimeout = isTimeout;
  }
}

/** A probe for /ready may stand beside the one request that works. */
const CONNECTIONS = 2;

/**
 * POST /computer-use, with the certainty whether a request has left. Kept connections are for reads:
 * one that the daemon closes at the moment it is used again would leave open what became of an action.
 */
export class Transport implements AsyncDisposable {
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #kept: Pool;
  readonly #fresh: Pool;

  constructor(url: string, apiKey: string | undefined, connectTimeoutMs: number) {
    const { origin, pathname } = new URL(url);
    this.#path = `${pathname.replace(/\/+$/, "")}/computer-use`;
    this.#headers = {
      "content-type": "application/json",
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    };
    // The time-out of an exchange covers headers and body: it knows how long the action takes.
    const limits = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: connectTimeoutMs } };
    this.#kept = new Pool(origin, { connections: CONNECTIONS, ...limits });
    this.#fresh = new Pool(origin, { connections: CONNECTIONS, pipelining: 0, ...limits });
  }

  /** Rejects with TransportError. */
  async exchange(body: string, options: ExchangeOptions): Promise<RawAnswer> {
    const exchange = new Exchange(options);
    const pool = options.mayReuse ? this.#kept : this.#fresh;
    pool.dispatch({ method: "POST", path: this.#path, headers: this.#headers, body }, exchange);
    return await exchange.answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#kept.destroy(), this.#fresh.destroy()]);
  }
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<RawAnswer>;
  readonly #settle = Promise.withResolvers<RawAnswer>();
  readonly #maxAnswer: number;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #status = 0;
  #size = 0;

  constructor({ timeoutMs, maxAnswer }: ExchangeOptions) {
    this.answer = this.#settle.promise;
    this.#maxAnswer = maxAnswer;
    this.#timer = setTimeout(() => this.#expire(timeoutMs), timeoutMs);
  }

  /** Called when a connection is there, before anything is written to it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) controller.abort(new Error("given up before it was sent"));
    else this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size <= this.#maxAnswer) {
      this.#chunks.push(chunk);
      return;
    }
    this.#finish({ status: this.#status, body: undefined });
    controller.abort(new Error("the answer is longer than is read"));
  }

  onResponseEnd(): void {
    this.#finish({ status: this.#status, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(new TransportError(this.#controller !== undefined, false, error));
  }

  #expire(timeoutMs: number): void {
    const cause = new Error(`no answer within ${timeoutMs} ms`);
    this.#fail(new TransportError(this.#controller !== undefined, true, cause));
    this.#controller?.abort(cause);
  }

  #finish(answer: RawAnswer): void {
    this.#close();
    this.#settle.resolve(answer);
  }

  #fail(error: TransportError): void {
    this.#close();
    this.#settle.reject(error);
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
