import { once } from "node:events";
import { createServer, type Server } from "node:http";

const EMPTY = "<!doctype html><title>elsewhere</title>";

/** A web server of somebody else's, whose pages hold what a test puts there. */
export class ForeignSite implements AsyncDisposable {
  /** What its page is, whatever path is asked for. */
  html = EMPTY;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<ForeignSite> {
    const server = createServer();
    const site = new ForeignSite(server);
    server.on("request", (_request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(site.html);
    });
    server.listen(0);
    await once(server, "listening");
    return site;
  }

  /** The same site as a gateway of `localhost`, and another origin: cookies know no ports. */
  get sameSite(): string {
    return `http://localhost:${this.#port}`;
  }

  get crossSite(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get #port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
