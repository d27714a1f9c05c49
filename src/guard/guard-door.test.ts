import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { DESKTOP, KEY, TestGuard } from "../../test/support/guard/fixtures.ts";
import { openGuard } from "./guard.ts";
import { listenForAgents } from "./guard-server.ts";

const SHOT = { action: "screenshot" };

/** What comes back until the connection ends. */
async function rawAnswer(test: TestGuard, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(new URL(String(test.guard.url)).port), "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => received.push(chunk));
  socket.once("close", () => resolve());
  socket.write(bytes);
  await promise;
  return Buffer.concat(received).toString();
}

describe("the way in", () => {
  const door = `/${KEY}/${DESKTOP}/computer-use`;

  test.each([
    `/${"x".repeat(32)}/${DESKTOP}/computer-use`,
    `/${KEY}/other/computer-use`,
    `/${KEY}/${DESKTOP}/mcp`,
    `/${KEY}/${DESKTOP}/websockify`,
    `/${KEY}/${DESKTOP}`,
    `${door}/`,
    `${door}?x=1`,
    `/${DESKTOP}/computer-use`,
    "/computer-use",
    `/${KEY}/%/computer-use`,
    "/",
  ])("%s leads nowhere", async (path) => {
    await using test = await TestGuard.open();
    using session = test.begin();
    expect(await test.act(SHOT, { path })).toBe("dropped");
    expect(test.sent).toEqual([]);
    expect(session.requests).toBe(0);
  });

  test.each(["GET", "PUT", "DELETE", "OPTIONS"])("%s is 404 and says nothing", async (method) => {
    await using test = await TestGuard.open();
    using session = test.begin();
    const answer = await fetch(`${test.guard.url}${door}`, { method });
    expect([answer.status, await answer.text()]).toEqual([404, ""]);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(session.requests).toBe(0);
  });

  test.each([
    ["no HTTP", "BOGUS\r\n\r\n"],
    ["headers that never end", `POST ${door} HTTP/1.1\r\nx: ${"a".repeat(20_000)}`],
    ["an upgrade to a tunnel", "CONNECT localhost:9990 HTTP/1.1\r\nhost: a\r\n\r\n"],
  ])("%s breaks the connection", async (_name, bytes) => {
    await using test = await TestGuard.open();
    expect(await rawAnswer(test, bytes)).toBe("");
  });

  test.each(["X-Bytebot-Desktop: embedded", "X-Forwarded-For: 127.98.66.1"])(
    "I11 a program of an embedded desktop finds nobody, with %s",
    async (field) => {
      await using test = await TestGuard.open();
      using session = test.begin();
      const body = JSON.stringify(SHOT);
      const ask = (fields: string) =>
        `POST ${door} HTTP/1.1\r\nhost: a\r\n${fields}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      expect(await rawAnswer(test, ask(`${field}\r\n`))).toBe("");
      expect(session.requests).toBe(0);
      await rawAnswer(test, ask(""));
      expect(session.requests).toBe(1);
    },
  );

  test("a second request on a connection is not taken", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    const body = JSON.stringify(SHOT);
    const one = `POST ${door} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    await rawAnswer(test, one + one);
    expect(session.requests).toBe(1);
  });

  test("without a key there is no guard, and it says what to do", async () => {
    await using test = await TestGuard.open();
    const { guard } = test;
    expect(guard.availability()).toEqual({ available: true });
    await using none = await openGuard({ ...test.options, key: undefined });
    expect(none.url).toBeUndefined();
    expect(none.availability()).toMatchObject({
      available: false,
      hint: expect.stringContaining("GUARD_KEY"),
    });
    expect(() => none.begin(test.run({}, DESKTOP))).toThrow(/GUARD_KEY/);
  });
});

test("I10 a fault in one request drops its connection alone, and is told", async () => {
  const faults: unknown[] = [];
  let isBroken = true;
  await using server = await listenForAgents({
    host: "127.0.0.1",
    port: 0,
    answer: async () => {
      if (isBroken) throw new Error("fault");
      return { status: 200, body: {} };
    },
    onError: (error) => faults.push(error),
  });
  await expect(fetch(server.url, { method: "POST" })).rejects.toThrow();
  expect(faults).toHaveLength(1);
  isBroken = false;
  expect((await fetch(server.url, { method: "POST" })).status).toBe(200);
});
