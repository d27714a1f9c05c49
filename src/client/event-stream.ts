/** One block of an event stream, as the HTML standard's section 9.2.6 interprets it. */
export interface StreamMessage {
  /** The last event id known after this block; empty when none was given yet. */
  readonly id: string;
  /** The `event:` field; empty when absent. */
  readonly event: string;
  /** The `data:` lines joined by line feeds; empty where a block only sets the id. */
  readonly data: string;
}

/**
 * Reads server-sent events from bytes, whatever the boundaries of its chunks. Comments and `retry:`
 * are passed over; a block the stream breaks off in is dropped, as the standard asks.
 */
export async function* parseEventStream(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamMessage, void, void> {
  const block = new Block();
  for await (const line of lines(chunks)) {
    if (line !== "") {
      block.take(line);
      continue;
    }
    const message = block.end();
    if (message !== undefined) yield message;
  }
}

/** The fields gathered since the last empty line. */
class Block {
  #id = "";
  #event = "";
  #data: string[] = [];
  #setsId = false;

  take(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) {
      this.#id = value;
      this.#setsId = true;
    }
  }

  end(): StreamMessage | undefined {
    const message = { id: this.#id, event: this.#event, data: this.#data.join("\n") };
    const said = this.#data.length > 0 || this.#setsId;
    this.#event = "";
    this.#data = [];
    this.#setsId = false;
    return said ? message : undefined;
  }
}

/** Lines ended by CR, LF or CRLF; the unfinished one at the end is dropped. */
async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  // Drops a leading byte order mark, as the standard asks.
  const decoder = new TextDecoder();
  let rest = "";
  let afterCarriageReturn = false;
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true });
    if (text === "") continue;
    if (afterCarriageReturn && text.startsWith("\n")) text = text.slice(1);
    afterCarriageReturn = text === "" ? false : text.endsWith("\r");
    const parts = text.split(/\r\n|\r|\n/);
    const last = parts.pop() ?? "";
    for (const part of parts) {
      yield rest + part;
      rest = "";
    }
    rest += last;
  }
}
