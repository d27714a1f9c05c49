import type { Config } from "../config/config.ts";

/** Where the gateway is reached. With PORT=0 the port is known only once it listens. */
export class ServiceAddress {
  #publicUrl: string;
  #port: number;

  constructor({ publicUrl, port }: Pick<Config, "publicUrl" | "port">) {
    this.#publicUrl = publicUrl;
    this.#port = port;
  }

  /** Without a slash at its end. */
  get publicUrl(): string {
    return this.#publicUrl;
  }

  /** What the server is bound to. */
  get port(): number {
    return this.#port;
  }

  /** The server listens on this port. */
  bind(port: number): void {
    this.#port = port;
    this.#publicUrl = this.#publicUrl.replace(/:0$/, `:${port}`);
  }
}
