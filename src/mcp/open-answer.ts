/** An answer from its request to the last byte of its body. */
export class OpenAnswer implements Disposable {
  /** Held until then: the signal of a request that nothing holds any more tells nobody. */
  readonly request: Request;
  readonly #ended: () => void;
  #handedOn = false;

  constructor(request: Request, ended: () => void) {
    this.request = request;
    this.#ended = ended;
  }

  /** The response; what it used is let go once it is read or given up. */
  untilRead(response: Response, use?: Disposable): Response {
    const done = () => {
      use?.[Symbol.dispose]();
      this.#ended();
    };
    if (response.body === null) {
      use?.[Symbol.dispose]();
      return response;
    }
    this.#handedOn = true;
    const { status, headers } = response;
    return new Response(watchEnd(response.body, done), { status, headers });
  }

  [Symbol.dispose](): void {
    if (!this.#handedOn) this.#ended();
  }
}

/** The same bytes; says once when they ended, broke off or were given up. */
function watchEnd(body: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done: over, value } = await reader.read();
        if (!over) return controller.enqueue(value);
        done();
        controller.close();
      } catch (error) {
        done();
        controller.error(error);
      }
    },
    async cancel(reason) {
      done();
      await reader.cancel(reason);
    },
  });
}
