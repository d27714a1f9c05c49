import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { Readable } from "node:stream";
import { fastify } from "fastify";
import { afterEach, expect, test } from "vitest";
import { streamAnswer, webAnswer } from "./answer.ts";
import { sendAnswer } from "./send-answer.ts";

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** Serves the response at any address; `cancelled` resolves when its reader is given up. */
async function serve(chunks: readonly Uint8Array[], type: string, stalledMs?: number) {
  const cancelled = Promise.withResolvers<void>();
  const app = fastify();
  app.get("/", (request, reply) => {
    const left = [...chunks];
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = left.shift();
        if (next === undefined) controller.close();
        else controller.enqueue(next);
      },
      cancel: () => cancelled.resolve(),
    });
    const headers = { "content-type": type, "x-own": "1" };
    const answer = webAnswer(new Response(body, { status: 201, headers }));
    const onBroken = () => undefined;
    void sendAnswer(answer, { request, reply, onBroken, ...(stalledMs && { stalledMs }) });
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  close = () => app.close();
  const { port } = app.server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}/`, cancelled: cancelled.promise };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test.each(["application/json", "text/event-stream"])(
  "hands on status, headers and body of %s",
  async (type) => {
    const { url } = await serve([bytes("a"), bytes("b")], type);
    const response = await fetch(url);
    expect(response.status).toBe(201);
    expect(response.headers.get("x-own")).toBe("1");
    expect(response.headers.get("content-type")).toContain(type);
    expect(await response.text()).toBe("ab");
  },
);

test("I10 a reader that reads nothing is cut off, and what fed it is let go", async () => {
  const large = Array.from({ length: 64 }, () => new Uint8Array(1024 * 1024));
  const { port, cancelled } = await serve(large, "text/event-stream", 200);
  const socket = connect(port, "127.0.0.1").pause();
  await once(socket, "connect");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await cancelled;
  socket.on("error", () => undefined).resume();
  if (!socket.closed) await once(socket, "close").catch(() => undefined);
  expect(socket.bytesRead).toBeLessThan(64 * 1024 * 1024);
});

/** Serves a stream of so many bytes that then breaks; resolves with what came of the request. */
async function serveBroken(bytesBefore: number) {
  const broken: unknown[] = [];
  const app = fastify();
  app.get("/", (request, reply) => {
    const stream = Readable.from(
      (async function* () {
        if (bytesBefore > 0) yield Buffer.alloc(bytesBefore);
        throw new Error("disk fault");
      })(),
    );
    const onBroken = (error: unknown) => broken.push(error);
    void sendAnswer(streamAnswer(stream), { request, reply, onBroken });
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  close = () => app.close();
  const { port } = app.server.address() as AddressInfo;
  const answer = fetch(`http://127.0.0.1:${port}/`).then(async (response) => {
    await response.arrayBuffer();
    return response.status;
  });
  const seen = await answer.catch(() => "cut off");
  return { seen, broken };
}

test("a stream that breaks before its first byte is an error, after it is cut off; both are told", async () => {
  const [before, after] = [await serveBroken(0), await serveBroken(100_000)];
  expect([before.seen, after.seen]).toEqual([500, "cut off"]);
  expect([...before.broken, ...after.broken]).toHaveLength(2);
});

test("what JSON cannot carry is refused before anything is sent", async () => {
  const app = fastify();
  let sent: Promise<void> | undefined;
  app.get("/", (request, reply) => {
    sent = sendAnswer(undefined, { request, reply, onBroken: () => undefined });
    sent.catch(() => reply.code(500).send("refused"));
  });
  expect((await app.inject("/")).body).toBe("refused");
  await expect(sent).rejects.toThrow("returned nothing");
});

test.each([
  ["an object", { a: 1, gone: undefined, text: "x".repeat(300_000), nested: { b: [null, "é\n"] } }],
  ["an empty object", {}],
  ["an array", [1, { a: 2 }]],
  ["nothing", null],
])("answers something large with the same JSON: %s", async (_name, value) => {
  const app = fastify();
  app.post("/", (request, reply) => {
    void sendAnswer(value, { request, reply, onBroken: () => undefined });
  });
  close = () => app.close();
  const payload = JSON.stringify("y".repeat(400_000));
  const headers = { "content-type": "application/json" };
  const answer = await app.inject({ method: "POST", url: "/", payload, headers });
  expect(answer.payload).toBe(JSON.stringify(value));
});
