import { setTimeout } from "node:timers/promises";
import {
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";

import { explainBridgeFault } from "./bridge-fault.ts";

/** What a call is answered that the gateway does not answer (JSON-RPC's range for servers). */
const UNREACHABLE = -32000;
/** ms that the end may take; a client kills what takes longer. */
const FAREWELL_MS = 1_000;

export interface McpBridgeOptions {
  /** The client's side. */
  readonly stdio: Transport;
  /** The gateway's `/mcp`. */
  readonly url: URL;
  readonly token: string;
  /** A line for whoever looks for a fault. */
  readonly note: (line: string) => void;
}

/**
 * Hands messages on between a client on stdio and the gateway. Where the gateway was started anew
 * it begins a new session by itself; a call that is lost is answered with an error, never left open.
 */
export class McpBridge implements AsyncDisposable {
  readonly #options: McpBridgeOptions;
  #http: Promise<StreamableHTTPClientTransport>;
  readonly #opened = new Set<StreamableHTTPClientTransport>();
  /** The client's calls under way. */
  readonly #calls = new Map<RequestId, AbortController>();
  /** How the client began, to begin so again. */
  #initialize: JSONRPCRequest | undefined;
  #renewals = 0;
  readonly #closed = Promise.withResolvers<void>();

  constructor(options: McpBridgeOptions) {
    this.#options = options;
    this.#http = this.#open((message) => this.#fromGateway(message));
  }

  /** Resolves when the client closes its side. */
  async run(signal: AbortSignal): Promise<void> {
    const { stdio, note } = this.#options;
    stdio.onmessage = (message) => {
      this.#fromClient(message).catch((error: unknown) => note(`lost a message: ${error}`));
    };
    stdio.onclose = () => this.#closed.resolve();
    stdio.onerror = (error) => note(`not understood: ${error.message}`);
    signal.addEventListener("abort", () => this.#closed.resolve(), { once: true });
    if (signal.aborted) return;
    await stdio.start();
    await this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Ending the session would cancel the calls under way: it is left to end by itself then.
    const mayEnd = this.#calls.size === 0;
    for (const call of this.#calls.values()) call.abort();
    const farewell = this.#http.then((http) => (mayEnd ? http.terminateSession() : undefined));
    const patience = setTimeout(FAREWELL_MS, undefined, { ref: false });
    await Promise.race([farewell, patience]).catch(() => {});
    await Promise.all([...this.#opened, this.#options.stdio].map((side) => side.close()));
  }

  async #fromClient(message: JSONRPCMessage): Promise<void> {
    if (isInitializeRequest(message)) this.#initialize = message as JSONRPCRequest;
    if (this.#cancelsByClosing(message)) return;
    if (!isJSONRPCRequest(message)) {
      await this.#send(message).catch((error: unknown) =>
        this.#options.note(explainBridgeFault(error, this.#options.url)),
      );
      return;
    }
    const call = new AbortController();
    this.#calls.set(message.id, call);
    try {
      await this.#send(message, {
        requestSignal: call.signal,
        onRequestStreamEnd: () =>
          this.#fail(message.id, "The connection to the gateway broke off."),
      });
    } catch (error) {
      this.#fail(message.id, explainBridgeFault(error, this.#options.url));
    }
  }

  /** Over HTTP a call is cancelled by closing its stream since 2026-07-28, before by a message. */
  #cancelsByClosing(message: JSONRPCMessage): boolean {
    if (!isJSONRPCNotification(message) || message.method !== "notifications/cancelled")
      return false;
    if (this.#initialize !== undefined) return false;
    const id = message.params?.requestId as RequestId | undefined;
    if (id === undefined) return false;
    this.#calls.get(id)?.abort();
    this.#calls.delete(id);
    return true;
  }

  async #send(
    message: JSONRPCMessage,
    options?: Parameters<StreamableHTTPClientTransport["send"]>[1],
  ): Promise<void> {
    const http = await this.#http;
    try {
      await http.send(message, options);
    } catch (error) {
      const gone = error instanceof SdkHttpError && error.status === 404;
      const answers = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
      if (!gone || this.#initialize === undefined || isInitializeRequest(message) || answers) {
        throw error;
      }
      await (await this.#renewed(http)).send(message, options);
    }
  }

  /** The session after the one that ended; however many ask, there is one. */
  async #renewed(ended: StreamableHTTPClientTransport): Promise<StreamableHTTPClientTransport> {
    if ((await this.#http) === ended) {
      const renewing = this.#renew(ended);
      this.#http = renewing.catch(() => ended);
      return renewing;
    }
    return this.#http;
  }

  async #renew(ended: StreamableHTTPClientTransport): Promise<StreamableHTTPClientTransport> {
    this.#options.note("the session ended, beginning another");
    this.#renewals += 1;
    const id = `renewal-${this.#renewals}`;
    const answered = Promise.withResolvers<void>();
    // Where the request itself fails, that is what is told.
    answered.promise.catch(() => {});
    const http = await this.#open((message) => {
      if (!("id" in message) || message.id !== id) return this.#fromGateway(message);
      if (isJSONRPCResultResponse(message)) this.#noteVersion(http, message.result);
      answered.resolve();
    });
    try {
      await http.send(
        { ...(this.#initialize as JSONRPCRequest), id },
        { onRequestStreamEnd: () => answered.reject(new Error("It broke off.")) },
      );
      await answered.promise;
      await http.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    } catch (error) {
      await this.#close(http);
      throw error;
    }
    await this.#close(ended);
    return http;
  }

  async #close(http: StreamableHTTPClientTransport): Promise<void> {
    this.#opened.delete(http);
    await http.close();
  }

  #fromGateway(message: JSONRPCMessage): void {
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
      if (message.id === undefined || !this.#calls.delete(message.id)) return;
      if (isJSONRPCResultResponse(message) && message.id === this.#initialize?.id) {
        this.#http.then((http) => this.#noteVersion(http, message.result)).catch(() => {});
      }
    }
    this.#toClient(message);
  }

  #noteVersion(http: StreamableHTTPClientTransport, { protocolVersion }: Record<string, unknown>) {
    if (typeof protocolVersion === "string") http.setProtocolVersion(protocolVersion);
  }

  #fail(id: RequestId, message: string): void {
    if (!this.#calls.delete(id)) return;
    this.#options.note(message);
    this.#toClient({ jsonrpc: "2.0", id, error: { code: UNREACHABLE, message } });
  }

  #toClient(message: JSONRPCMessage): void {
    this.#options.stdio.send(message).catch(() => this.#closed.resolve());
  }

  async #open(
    onmessage: (message: JSONRPCMessage) => void,
  ): Promise<StreamableHTTPClientTransport> {
    const { url, token } = this.#options;
    const http = new StreamableHTTPClientTransport(url, {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    });
    http.onmessage = onmessage;
    this.#opened.add(http);
    await http.start();
    return http;
  }
}
