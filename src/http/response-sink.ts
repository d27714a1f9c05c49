import type { ServerResponse } from "node:http";
import type { EventSink } from "../events/subscription.ts";

/** An event stream's bytes on their way into an HTTP answer. */
export class ResponseSink implements EventSink {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  write(bytes: Uint8Array): void {
    this.#response.write(bytes);
  }

  unread(): number {
    return this.#response.writableLength;
  }

  /** A reader that goes instead disposes its subscription, which then waits no more. */
  onceDrained(resume: () => void): void {
    this.#response.once("drain", resume);
  }

  end(): void {
    this.#response.end();
  }

  drop(): void {
    this.#response.destroy();
  }
}
