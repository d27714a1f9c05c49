import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../src/contract/service.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { type Answer, call } from "../support/call.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

const POLICY = {
  capabilities: {
    "keyboard.type": { enabled: true, confirmation: "client" },
    "mouse.click": { enabled: true },
    "screen.capture": { enabled: true },
  },
};

/** 420 s at ByteBot's pace. */
const LONG = "x".repeat(2000);

describe("ByteBot's desktop, busy with a long text", () => {
  const owned = new AsyncDisposableStack();
  let daemon: Daemon;
  let gateway: Gateway;
  let olga: Person;

  beforeAll(async () => {
    daemon = owned.use(await startDaemon());
    const env = { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" };
    gateway = owned.use(await startGateway({ policy: POLICY, env }));
    olga = await firstOperator(gateway);
    const hang = daemon.fail({ action: "type_text", with: "hang" });
    const typing = await plan(gateway, "keyboard.type", { text: LONG });
    await call(gateway, "POST", "/execute", { task_id: typing.task_id });
    await hang.hit;
  });
  afterAll(() => owned.disposeAsync());

  test.each([
    [
      "a plan",
      (): Promise<Answer<Problem>> =>
        call<Problem>(gateway, "POST", "/plan", {
          action: "mouse.click",
          parameters: { coordinates: { x: 1, y: 1 } },
        }),
    ],
    ["a picture", () => olga.call<Problem>("GET", "/desktops/bytebot/picture")],
  ])("tells %s that waits what for, and for how long", async (_, ask) => {
    const { status, body } = await ask();
    expect([status, body.code]).toEqual([504, "timeout"]);
    expect(body.detail).toMatch(/^Desktop bytebot did not show itself within \d+ s\. It is busy/);
    expect(body.detail).toContain("a text is being typed");
    expect(body.hint).toContain("Retry-After");
    expect(body.retry_after).toBeGreaterThan(300);
    expect(body.retry_after).toBeLessThanOrEqual(420);
  });
});
