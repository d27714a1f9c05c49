import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Sender } from "./sender.ts";

const MESSAGE = { headers: { "content-type": "text/plain" }, body: "hello" };
const never = new AbortController().signal;

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

async function sendTo(url: string, timeoutMs = 10_000, signal = never) {
  await using sender = new Sender(url, timeoutMs);
  return await sender.send(MESSAGE, signal);
}

const answering = (status: number, headers = {}) =>
  serve((_request, response) => response.writeHead(status, headers).end());

describe("Sender", () => {
  it.each([
    [200, "delivered"],
    [204, "delivered"],
    [400, "refused"],
    [413, "refused"],
    [401, "retry"],
    [404, "retry"],
    [408, "retry"],
    [410, "gone"],
    [429, "retry"],
    [500, "retry"],
  ])("%i is %s", async (status, kind) => {
    expect((await sendTo(await answering(status))).kind).toBe(kind);
  });

  it("follows no redirect", async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked++;
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    expect(await sendTo(url)).toMatchObject({
      kind: "retry",
      problem: "it answered 307; redirects are not followed",
    });
    expect(asked).toBe(1);
  });

  it("reads Retry-After", async () => {
    const url = await answering(503, { "retry-after": "120" });
    expect(await sendTo(url)).toMatchObject({ retryAfterMs: 120_000 });
    const date = await answering(503, { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" });
    expect(await sendTo(date)).toMatchObject({ retryAfterMs: 0 });
  });

  it("I10 reads little of an answer without end", async () => {
    let sent = 0;
    const closed = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      response.on("close", closed.resolve).writeHead(200);
      const chunk = Buffer.alloc(64 * 1024);
      const more = () => {
        if (response.destroyed) return;
        sent += chunk.length;
        if (response.write(chunk)) setImmediate(more);
        else response.once("drain", more);
      };
      more();
    });
    expect((await sendTo(url)).kind).toBe("delivered");
    await closed.promise;
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it("gives up what does not answer, and says so of what cannot be reached", async () => {
    const silent = await serve(() => {});
    expect(await sendTo(silent, 50)).toMatchObject({ problem: "no answer within 0.05 s" });
    const cut = await serve((request) => request.socket.resetAndDestroy());
    expect(await sendTo(cut)).toMatchObject({ kind: "retry", problem: /connection was/ });
    expect(await sendTo("http://127.0.0.1:1/")).toMatchObject({
      kind: "retry",
      problem: "the connection was refused",
    });
  });

  it.each(["\0\u00ffnot HTTP at all\r\n\r\n", "HTTP/9.9 two hundred\r\n\r\n"])(
    "says that %j is no HTTP",
    async (garbage) => {
      const url = await serve(({ socket }) => socket.end(garbage));
      const problem = "what answers there does not speak HTTP";
      expect(await sendTo(url)).toMatchObject({ kind: "retry", problem });
    },
  );

  it("rejects where it is told to stop", async () => {
    const stopping = new AbortController();
    const url = await serve(() => stopping.abort());
    await expect(sendTo(url, 10_000, stopping.signal)).rejects.toThrow();
  });

  it("reaches names on this machine over http", async () => {
    const url = (await answering(204)).replace("127.0.0.1", "localhost");
    expect((await sendTo(url)).kind).toBe("delivered");
  });
});
