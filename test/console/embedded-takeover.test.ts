import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DesktopList } from "../../src/contract/desktop.ts";
import { readPngSize } from "../../src/lib/png.ts";
import { sees } from "../bytebot/x-tools.ts";
import { run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

const desktop = "/desktops/embedded";

/** A desktop without VNC: pictures, and input action by action. */
describe("taking the embedded desktop over", () => {
  let gateway: Gateway;
  let olga: Person;
  beforeAll(async () => {
    gateway = await startGateway();
    olga = await firstOperator(gateway);
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  test.runIf(sees("Xvfb"))("is seen in pictures and moved by actions", async () => {
    const { body } = await olga.call<DesktopList>("GET", "/desktops");
    expect(body.desktops).toMatchObject([{ name: "embedded", live: "picture", available: true }]);
    const picture = await olga.fetch("GET", `${desktop}/picture`);
    expect(readPngSize(new Uint8Array(await picture.arrayBuffer()))).toEqual({
      width: 1280,
      height: 960,
    });
    await olga.call("POST", `${desktop}/takeover`, { minutes: 5 });
    const move = { action: "mouse.move", parameters: { coordinates: { x: 321, y: 123 } } };
    expect((await olga.call("POST", `${desktop}/input`, move)).status).toBe(200);
    await olga.call("DELETE", `${desktop}/takeover`);
    expect((await run(gateway, "screen.cursor", {})).result).toEqual({ x: 321, y: 123 });
  });

  test("has no VNC", async () => {
    const origin = `http://localhost:${gateway.port}`;
    const { status } = await olga.fetch("GET", `${desktop}/vnc`, undefined, { origin });
    expect(status).toBe(400);
  });
});
