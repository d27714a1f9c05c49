import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../src/contract/service.ts";
import { call } from "../support/call.ts";
import { planRequest } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { rawText, toAnswer } from "../support/raw-answer.ts";
import { openSocket, readToEnd } from "../support/raw-socket.ts";

/** I10: clients that take their time. Others are served all the while. */
const IDLE = 1000;
/** Between two bytes of a client that never finishes, ms. */
const DRIP_MS = 500;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ env: { MAX_FILE_SIZE_MB: "1" } });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** Sends a byte from time to time until the gateway has had enough; gives its answer. */
async function drip(start: string, byte: string) {
  const socket = await openSocket(gateway);
  socket.write(start);
  const timer = setInterval(() => socket.write(byte), DRIP_MS);
  try {
    return toAnswer<Problem>(await readToEnd(socket));
  } finally {
    clearInterval(timer);
  }
}

const bearer = () => ({
  authorization: `Bearer ${gateway.keys.api.token}`,
  "content-type": "application/json",
});

describe("I10", () => {
  test("large bodies of strangers take a bounded amount, and leave room for small ones", async () => {
    const size = 1024 * 1024;
    const headers = { "content-type": "application/json", "content-length": String(size) };
    const sockets: Socket[] = [];
    const answers: string[] = [];
    for (let n = 0; n < 300; n++) {
      const socket = await openSocket(gateway);
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => answers.push(chunk.toString().split("\r\n", 1)[0] ?? ""));
      socket.write(rawText("POST /plan", headers, "{"));
      sockets.push(socket);
    }
    await planRequest(gateway, { action: "wait", parameters: { duration_ms: 1 } });
    expect(new Set(answers)).toEqual(new Set(["HTTP/1.1 429 Too Many Requests"]));
    expect(answers.length).toBeGreaterThanOrEqual(300 - 256);
    for (const socket of sockets) socket.destroy();
    // Those who went away have given their room back.
    const content = "x".repeat(size / 2);
    const write = { action: "fs.write", parameters: { path: "/tmp/large.txt", content } };
    const planned = () => call(gateway, "POST", "/plan", write);
    await expect.poll(async () => (await planned()).status).toBe(200);
  });

  test("slow headers, slow bodies and idle connections end in time", {
    timeout: 120_000,
  }, async () => {
    const idle = await Promise.all(Array.from({ length: IDLE }, () => openSocket(gateway)));
    const unasked: Buffer[] = [];
    for (const socket of idle) socket.on("data", (chunk) => unasked.push(chunk));
    const ended = Promise.all([
      drip("GET /health HTTP/1.1\r\nx-a: ", "a"),
      drip(rawText("POST /plan", { ...bearer(), "content-length": "1000" }, "{"), " "),
      ...idle.map(closed),
    ]);
    let served = 0;
    const serve = async () => {
      await planRequest(gateway, { action: "wait", parameters: { duration_ms: 1 } });
      served += 1;
    };
    let over = false;
    const allEnded = ended.finally(() => {
      over = true;
    });
    while (!over) {
      await serve();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const [headers, body] = (await allEnded) as [
      Awaited<ReturnType<typeof drip>>,
      Awaited<ReturnType<typeof drip>>,
    ];
    for (const answer of [headers, body]) {
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
      expect(answer.body.detail).toContain("did not arrive in time");
    }
    expect(served).toBeGreaterThan(0);
    // Nothing was asked on these, so nothing was said.
    expect(Buffer.concat(unasked).toString()).toBe("");
  });

  test("a body that never ends is cut off at the limit", async () => {
    const socket = await openSocket(gateway);
    const answer = readToEnd(socket);
    socket.write(rawText("POST /plan", { ...bearer(), "transfer-encoding": "chunked" }));
    const sent = await flood(socket);
    const { status, body } = toAnswer<Problem>(await answer);
    expect([status, body.code]).toEqual([413, "body_too_large"]);
    // The rest is what lay in the buffers of both sides.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test("the process stays up, and nothing unforeseen was logged", async () => {
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    expect(gateway.logs().filter(({ level }) => level === "error")).toEqual([]);
    expect(gateway.logs().filter(({ msg }) => msg === "listening")).toHaveLength(1);
  });
});

async function closed(socket: Socket): Promise<void> {
  socket.on("error", () => undefined).resume();
  if (!socket.closed) await once(socket, "close");
}

/** Writes chunks until the other side closes; how many bytes were taken. */
async function flood(socket: Socket): Promise<number> {
  const chunk = Buffer.from(`10000\r\n${" ".repeat(0x10000)}\r\n`);
  let gone = false;
  socket.once("close", () => {
    gone = true;
  });
  let sent = 0;
  while (!gone) {
    sent += chunk.length;
    if (!socket.write(chunk)) {
      await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
    }
  }
  return sent;
}
