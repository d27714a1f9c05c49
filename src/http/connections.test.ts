import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { createTestDeps, PLAN, TASK_ID } from "../../test/support/http/test-deps.ts";
import { post, sendRaw, start } from "../../test/support/http/test-server.ts";
import type { HttpDeps } from "./http-deps.ts";

const JSON_HEADERS = { "content-type": "application/json", authorization: "Bearer alice" };

describe("I10 at the socket", () => {
  it("headers over 8 KB are 431", async () => {
    const { port } = await start();
    const answer = await sendRaw(
      port,
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Big: ${"a".repeat(9000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(answer).toContain("content-type: application/problem+json");
    expect(answer).toContain("x-content-type-options: nosniff");
    const [, body = ""] = answer.split("\r\n\r\n");
    expect(JSON.parse(body)).toMatchObject({ status: 431, code: "headers_too_large" });
  });

  it.each([
    ["what is not HTTP", "hello\r\n\r\n"],
    [
      "two lengths",
      "POST /plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    [
      "a control character in a header",
      "GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: \x01\r\n\r\n",
    ],
  ])("%s is 400", async (_name, text) => {
    const { port } = await start();
    const answer = await sendRaw(port, text);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
  });

  it("a request that does not arrive in time is told so, unless its answer has begun", async () => {
    const { app, port, url } = await start();
    const late = async (text: string, begun: string) => {
      const accepted = once(app.server, "connection");
      const socket = connect(port, "127.0.0.1");
      socket.setEncoding("utf8").write(text);
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk;
      });
      await vi.waitFor(() => expect(answer).toContain(begun));
      const [server] = (await accepted) as [Socket];
      await vi.waitFor(() => expect(server.bytesRead).toBe(Buffer.byteLength(text)));
      // What Node does when its time-out is over.
      const error = Object.assign(new Error(), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
      app.server.emit("clientError", error, server);
      await once(socket, "close");
      return answer;
    };
    const slow = await late("POST /plan HTTP/1.1\r\nHost: localhost\r\n", "");
    expect(slow).toMatch(/^HTTP\/1.1 400 [\s\S]*did not arrive in time/);
    const streaming = await late("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n");
    expect(streaming.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it("limits stand on the server", async () => {
    const { app } = await start();
    expect(app.server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      maxConnections: 10_000,
      timeout: 330_000,
    });
  });

  it("others are served while bad ones are refused", async () => {
    const { port, url } = await start();
    const idle = Array.from({ length: 200 }, () => connect(port, "127.0.0.1"));
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    for (const socket of idle) socket.write("POST /plan HTTP/1.1\r\nHost: localhost\r\n");
    const response = await post(`${url}/plan`, '{"action":"a"}');
    expect(await response.json()).toEqual(PLAN);
    for (const socket of idle) socket.destroy();
  });
});

describe("closing", () => {
  it("ends streams in good order and answers who waits", async () => {
    const { deps } = createTestDeps();
    const tasks: HttpDeps["tasks"] = {
      ...deps.tasks,
      execute: async (_principal, { task_id }, { signal }) => {
        await once(signal, "abort");
        return { finished: false, view: { task_id, status: "running", message: "" } };
      },
    };
    const { app, url } = await start({ tasks });
    const stream = await fetch(`${url}/events`);
    const executed = vi.spyOn(tasks, "execute");
    const waiting = post(`${url}/execute?wait=300`, JSON.stringify({ task_id: TASK_ID }));
    await vi.waitFor(() => expect(executed).toHaveBeenCalled());
    const closed = app.close();
    expect(await stream.text()).toBe("");
    expect((await waiting).status).toBe(202);
    await closed;
  });

  it("of the client ends its wait", async () => {
    const { deps } = createTestDeps();
    const { promise: gaveUp, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const tasks: HttpDeps["tasks"] = {
      ...deps.tasks,
      execute: async (_principal, { task_id }, { signal }) => {
        begin();
        await once(signal, "abort");
        resolve();
        return { finished: false, view: { task_id, status: "running", message: "" } };
      },
    };
    const { url } = await start({ tasks });
    const client = new AbortController();
    const waiting = fetch(`${url}/execute?wait=300`, {
      method: "POST",
      headers: JSON_HEADERS,
      body: JSON.stringify({ task_id: TASK_ID }),
      signal: client.signal,
    });
    await begun;
    client.abort();
    await expect(waiting).rejects.toThrow();
    await gaveUp;
  });
});
