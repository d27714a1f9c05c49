import type { McpEndpoint } from "./endpoint.ts";
import type { McpCall, McpDeps } from "./mcp-deps.ts";

/**
 * The MCP server behind `/mcp`. What speaks the protocol is loaded when somebody first asks, so that
 * no start pays for it.
 */
export class Mcp implements AsyncDisposable {
  readonly #deps: McpDeps;
  #endpoint: Promise<McpEndpoint> | undefined;
  #closed = false;

  constructor(deps: McpDeps) {
    this.#deps = deps;
  }

  /** Throws `not_found` for a session that is none of this key's, `rate_limited`, `invalid_request`. */
  async handle(call: McpCall): Promise<Response> {
    this.#endpoint ??= this.#open();
    return (await this.#endpoint).handle(call);
  }

  /** Ends sessions and streams of a key that no longer holds. */
  endKey(keyId: string): void {
    this.#withEndpoint((endpoint) => endpoint.endKey(keyId));
  }

  /** Tells clients that other tools, or the same under other rules, are there now. */
  toolsChanged(): void {
    this.#withEndpoint((endpoint) => endpoint.toolsChanged());
  }

  /** Ends every session and stream. Tasks go on: their clients may ask again after a restart. */
  close(): void {
    this.#closed = true;
    this.#withEndpoint((endpoint) => endpoint.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#endpoint;
  }

  async #open(): Promise<McpEndpoint> {
    const { McpEndpoint } = await import("./endpoint.ts");
    const endpoint = new McpEndpoint(this.#deps);
    if (this.#closed) endpoint.close();
    return endpoint;
  }

  #withEndpoint(use: (endpoint: McpEndpoint) => void): void {
    this.#endpoint?.then(use).catch((err: unknown) => {
      this.#deps.log.error({ err }, "the MCP server failed");
    });
  }
}
