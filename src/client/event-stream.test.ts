import fc from "fast-check";
import { expect, test } from "vitest";
import { parseEventStream, type StreamMessage } from "./event-stream.ts";

async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

async function parse(text: string, cuts: readonly number[] = []): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  for await (const message of parseEventStream(chunked(new TextEncoder().encode(text), cuts))) {
    messages.push(message);
  }
  return messages;
}

test("reads ids, data and comments as the gateway sends them", async () => {
  expect(await parse(': hello\n\nid: 7\ndata: {"event":"task_started"}\n\n: ping\n\n')).toEqual([
    { id: "7", event: "", data: '{"event":"task_started"}' },
  ]);
});

test("joins data lines, strips one space and keeps the id for later blocks", async () => {
  expect(await parse("id:1\ndata:  a\ndata\ndata:b\n\nevent: x\ndata: c\n\n")).toEqual([
    { id: "1", event: "", data: " a\n\nb" },
    { id: "1", event: "x", data: "c" },
  ]);
});

test("tells of a block that only sets the id, and drops an unfinished one", async () => {
  expect(await parse("id: 41\n\nid: 42\ndata: half")).toEqual([{ id: "41", event: "", data: "" }]);
});

test("ignores an id with a NUL and a leading byte order mark", async () => {
  expect(await parse("\uFEFFid: 3\nid: 4\0\ndata: a\n\n")).toEqual([
    { id: "3", event: "", data: "a" },
  ]);
});

test("does not care where chunks end or how lines do", async () => {
  const line = fc.constantFrom(
    "data: ä👋",
    "data: {}",
    "id: 12",
    ": c",
    "",
    "",
    "event: e",
    "data",
  );
  const ending = fc.constantFrom("\n", "\r", "\r\n");
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      ending,
      fc.array(fc.nat(400), { maxLength: 12 }),
      async (lines, end, cuts) => {
        const plain = await parse(lines.map((text) => `${text}\n`).join(""));
        const text = lines.map((part) => part + end).join("");
        const size = new TextEncoder().encode(text).length;
        const inside = cuts.filter((cut) => cut <= size);
        expect(await parse(text, inside)).toEqual(plain);
      },
    ),
  );
});

test("gives back what was written, cut anywhere", async () => {
  const data = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), data), { maxLength: 10 }),
      fc.array(fc.nat(2000), { maxLength: 20 }),
      async (events, cuts) => {
        const text = events.map(([id, json]) => `id: ${id}\ndata: ${json}\n\n`).join("");
        const size = new TextEncoder().encode(text).length;
        const messages = await parse(
          text,
          cuts.filter((cut) => cut <= size),
        );
        expect(messages.map(({ id, data: json }) => [Number(id), json])).toEqual(events);
      },
    ),
  );
});
