import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GuardedAgent } from "./guarded-agent.ts";

const CLICK = { action: "click_mouse", button: "left", clickCount: 1, coordinates: { x: 1, y: 1 } };
const ACTS = [{ act: CLICK }, { act: CLICK }, { complete: "I have clicked twice." }];

describe("an agent whose BYTEBOT_DESKTOP_BASE_URL", () => {
  let bytebot: GuardedAgent;
  beforeAll(async () => {
    bytebot = await GuardedAgent.start();
  });
  afterAll(() => bytebot[Symbol.asyncDispose]());

  test.each([
    [
      "names another desktop",
      () => `${bytebot.guardUrl}/ofice`,
      /asks the guard for desktop "ofice"/,
    ],
    ["ends with the key", () => bytebot.guardUrl, /nothing .* reached the gateway's guard/],
    [
      "has another key",
      () => `${new URL(bytebot.guardUrl).origin}/x/bytebot`,
      /nothing .* reached/,
    ],
    ["leads nowhere", () => "http://127.0.0.1:9", /nothing .* reached/],
  ])("%s has not done what it says", async (_, url, detail) => {
    bytebot.agent.desktopBaseUrl = url();
    const { error, ...task } = await (await bytebot.begin(ACTS)).finished();
    expect(task.status).toBe("failed");
    expect(error).toMatchObject({
      code: "bytebot_error",
      detail: expect.stringMatching(detail),
      hint: expect.stringMatching(/BYTEBOT_DESKTOP_BASE_URL .*\/bytebot/),
    });
    expect(bytebot.acted()).toEqual([]);
  });

  test("is right, and whose every action was refused, is told of as it says", async () => {
    bytebot.agent.desktopBaseUrl = `${bytebot.guardUrl}/bytebot`;
    const task = await bytebot.begin(ACTS, { actions: ["screen.capture"] });
    expect(await task.finished()).toMatchObject({ status: "completed" });
    expect(bytebot.acted()).toEqual([]);
  });

  test("leads nowhere, and who does nothing on the desktop, is right", async () => {
    bytebot.agent.desktopBaseUrl = "http://127.0.0.1:9";
    const task = await bytebot.begin([{ complete: "Nothing to do." }]);
    expect(await task.finished()).toMatchObject({ status: "completed" });
  });
});
