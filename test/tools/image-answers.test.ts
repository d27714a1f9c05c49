import { afterAll, beforeAll, expect, test } from "vitest";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { authHeaders, call } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { rawText } from "../support/raw-answer.ts";
import { openSocket } from "../support/raw-socket.ts";
import { imageOf } from "./tool-calls.ts";

/** Pictures as answers of tools, to clients of every kind. */
let daemon: Daemon;
let gateway: Gateway;
beforeAll(async () => {
  daemon = await startDaemon();
  gateway = await startGateway({
    env: { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
});

const request = () =>
  rawText(
    "POST /tools/screen_capture",
    {
      ...authHeaders(gateway.keys.api, "POST", "/tools/screen_capture", "{}"),
      "content-type": "application/json",
      "content-length": "2",
    },
    "{}",
  );

test("a picture names its task in X-Task-Id", async () => {
  const answer = await imageOf(gateway, "screen_capture", {});
  expect(answer.headers.get("content-type")).toBe("image/png");
  const taskId = answer.headers.get("x-task-id");
  expect(taskId).toMatch(/^task_/);
  await answer.arrayBuffer();
  const { body } = await call(gateway, "GET", `/tasks/${taskId}`, undefined, gateway.keys.api);
  expect(body).toMatchObject({ action: "screen.capture", status: "completed" });
});

test("one call after the other is answered, and the gateway stays", async () => {
  for (let n = 0; n < 8; n++) {
    const answer = await imageOf(gateway, "screen_capture", {});
    expect(answer.status).toBe(200);
    expect((await answer.arrayBuffer()).byteLength).toBe(
      Number(answer.headers.get("content-length")),
    );
  }
  expectCalm();
});

test("clients that go away, at once or within the picture, or never read end nothing", async () => {
  for (let n = 0; n < 6; n++) {
    const [gone, within, silent] = [
      await openSocket(gateway),
      await openSocket(gateway),
      await openSocket(gateway),
    ];
    for (const socket of [gone, within, silent]) {
      socket.on("error", () => undefined);
      socket.write(request());
    }
    const first = new Promise((resolve) => within.once("data", resolve));
    gone.destroy();
    await first;
    within.destroy();
    silent.pause();
    expect((await imageOf(gateway, "screen_capture", {})).status).toBe(200);
    silent.destroy();
  }
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  expectCalm();
});

function expectCalm(): void {
  const severe = gateway.logs().filter(({ level }) => level === "error" || level === "fatal");
  expect(severe).toEqual([]);
}
