import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { authHeaders } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { rawText } from "../support/raw-answer.ts";
import { openSocket } from "../support/raw-socket.ts";
import { imageOf } from "../tools/tool-calls.ts";

/**
 * I10: whatever goes wrong in a request, at whichever of its stages, hooks and streams, ends that
 * request: with an answer or a closed connection, never with the process.
 */
const PRELOAD = join(import.meta.dirname, "fault-preload.ts");
/** Faults at once: a request each. */
const TOGETHER = 16;

let daemon: Daemon;
let gateway: Gateway;
let pid: number;
let artifact: string;
beforeAll(async () => {
  daemon = await startDaemon();
  gateway = await startGateway({
    env: {
      DRIVER: "bytebot",
      BYTEBOT_URL: daemon.url,
      BYTEBOT_API_KEY: "none",
      CORS_ORIGINS: "https://chat.example",
      NODE_OPTIONS: `--import=${PRELOAD}`,
    },
    policy: {
      capabilities: { "screen.capture": { enabled: true }, wait: { enabled: true } },
      security: { rate_limit_per_minute: 1_000_000 },
    },
  });
  pid = gateway.pid;
  const shot = await imageOf(gateway, "screen_capture", {});
  const target = `/tasks/${shot.headers.get("x-task-id")}`;
  await shot.arrayBuffer();
  const headers = authHeaders(gateway.keys.api, "GET", target, "");
  const task = (await (await fetch(gateway.url + target, { headers })).json()) as {
    artifacts: { url: string }[];
  };
  artifact = task.artifacts[0]?.url ?? "";
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
});

const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
});

/** One of each kind of answer; JSON is sent with the bearer token. */
const REQUESTS: Readonly<Record<string, () => [line: string, body?: string]>> = {
  json: () => ["GET /health"],
  "a refusal": () => ["GET /no-such-route"],
  "a plan": () => ["POST /plan", '{"action":"wait","parameters":{"duration_ms":1}}'],
  "a wrong body": () => ["POST /plan", '{"action":'],
  "a picture": () => ["POST /tools/screen_capture", "{}"],
  "an artifact": () => [`GET ${new URL(artifact, gateway.url).pathname}`],
  "a file": () => ["GET /docs/viewer.js"],
  "a page": () => ["GET /cards"],
  "a stream of events": () => ["GET /events?since=0"],
  "a message of MCP": () => ["POST /mcp", INITIALIZE],
  "a preflight": () => ["OPTIONS /plan"],
};

const WAYS = ["throw", "later", "reject", "vanish"];
/** Uses of a part after which no request here makes more, and the fault does not come. */
const PARTS: Readonly<Record<string, number>> = { fields: 24, request: 12, response: 40 };

describe.each(Object.keys(REQUESTS))("I10 a request for %s", (name) => {
  test.each(WAYS)("that meets a fault anywhere (%s) ends, and nothing else does", async (way) => {
    const faults = Object.entries(PARTS).flatMap(([part, uses]) =>
      Array.from({ length: uses }, (_, n) => `${way} ${part} ${n + 1}`),
    );
    for (let n = 0; n < faults.length; n += TOGETHER) {
      await Promise.all(faults.slice(n, n + TOGETHER).map((fault) => send(name, fault)));
    }
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    expect(gateway.pid).toBe(pid);
    expect(gateway.logs().filter(({ level }) => level === "fatal")).toEqual([]);
  });
});

test("a fault is answered with 500 under an id that the log has", async () => {
  const answer = await send("json", "throw fields 1");
  expect(answer).toMatch(/^HTTP\/1.1 500 /);
  const { request_id, code } = JSON.parse(answer.split("\r\n\r\n")[1] ?? "");
  expect(code).toBe("internal_error");
  const line = await gateway.logged(
    (one) => one.request_id === request_id && one.msg === "request failed",
  );
  expect(line.err).toMatchObject({ message: "test fault" });
});

test("what nobody waited for is logged as its request's, whose answer stays what it was", async () => {
  for (const way of ["later", "reject"]) {
    const before = gateway.logs().length;
    const answer = await send("json", `${way} response 1`);
    expect(answer).toMatch(/^HTTP\/1.1 (200|500) /);
    await gateway.logged(
      (line) => line.msg === "request failed" && gateway.logs().indexOf(line) >= before,
    );
  }
});

/** Sends the request with the fault, on a connection of its own; all that came until it ended. */
async function send(name: string, fault: string): Promise<string> {
  const [line, body = ""] = REQUESTS[name]?.() ?? [""];
  const [method = "", target = ""] = line.split(" ");
  const socket = await openSocket(gateway);
  let text = "";
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
    // A stream that goes on as if nothing was: its reader has seen enough.
    if (text.includes("text/event-stream") && text.includes("\r\n\r\n")) socket.destroy();
  });
  socket.write(
    rawText(
      line,
      {
        ...(method === "OPTIONS"
          ? { origin: "https://chat.example", "access-control-request-method": "POST" }
          : authHeaders(gateway.keys.api, method, target, body)),
        ...(body !== "" && {
          "content-type": "application/json",
          "content-length": String(body.length),
        }),
        accept: "application/json, text/event-stream",
        "x-test-fault": fault,
      },
      body,
    ),
  );
  await closed;
  return text;
}
