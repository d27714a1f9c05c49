import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import { sees } from "../bytebot/x-tools.ts";
import { call } from "../support/call.ts";
import { approve, execute, plan, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { fileWith } from "./file-with.ts";
import { processesUnder } from "./processes.ts";
import { type Colour, fetchPicture, screenshotOf, shareOf } from "./screens.ts";
import { serveColour, type WebPage } from "./web-page.ts";

const TEXT = "héllo ∑ 日本語";
const GREEN: Colour = [0, 176, 80];

/** The whole of the embedded desktop, through the started program. */
describe.runIf(sees("Xvfb", "openbox", "xterm", "chromium", "bwrap"))(
  "the embedded desktop",
  () => {
    let gateway: Gateway;
    let page: WebPage;

    beforeAll(async () => {
      page = await serveColour(`rgb(${GREEN.join(",")})`);
      gateway = await startGateway({ policy: POLICY });
    });

    afterAll(async () => {
      await gateway?.[Symbol.asyncDispose]();
      await page?.[Symbol.asyncDispose]();
    });

    test("types Unicode text into a real terminal, after a person has seen where", async () => {
      expect(await run(gateway, "app.open", { application: "terminal" })).toMatchObject({
        status: "completed",
        artifacts: [{ media_type: "image/png", name: "screen.png" }],
      });
      const planned = await plan(gateway, "keyboard.type", {
        text: `printf '${TEXT}' > /tmp/typed.txt\n`,
      });
      const seen = await approve(gateway, planned);
      expect(seen.steps[0]?.preview).toMatchObject({
        kind: "text",
        note: expect.stringContaining("Into the window"),
      });
      const pasted = await plan(gateway, "keyboard.paste", { text: TEXT });
      expect(pasted.steps[0]?.preview).toMatchObject({
        note: expect.stringContaining("It is a terminal, which shows ^V"),
      });
      expect(await execute(gateway, planned.task_id)).toMatchObject({ status: "completed" });
      // The shell in it takes its time.
      await fileWith(gateway.file("/tmp/typed.txt"), TEXT);
      const read = await run(gateway, "fs.read", { path: "/tmp/typed.txt" });
      expect(read.result).toMatchObject({ content: TEXT });
    });

    test("shows a page served on loopback in a real browser", async () => {
      const opened = await run(gateway, "browser.open", { url: page.url });
      expect(opened).toMatchObject({ status: "completed", result: { url: page.url } });
      expect(page.asked).toContain("/page");
      const picture = await screenshotOf(gateway, opened);
      expect([picture.width, picture.height]).toEqual([1280, 960]);
      expect(shareOf(picture, GREEN)).toBeGreaterThan(0.5);
    });

    test("a click is approved on a picture of its target, and not made once that has changed", async () => {
      await run(gateway, "browser.open", { url: page.url });
      const at = { coordinates: { x: 640, y: 600 } };
      const planned = await plan(gateway, "mouse.click", at);
      // Screenshots need no person here, so the requester may see it too.
      const preview = planned.steps[0]?.preview;
      if (preview?.kind !== "screenshot") throw new Error("no screenshot");
      expect(preview).toMatchObject({ width: 1280, height: 960, targets: [{ x: 640, y: 600 }] });
      const picture = await fetchPicture(gateway, preview.url, gateway.keys.approver);
      // The target is marked in it.
      expect(shareOf(picture, GREEN)).toBeGreaterThan(0.5);
      const around = picture.rgb.subarray((600 * 1280 + 640 - 20) * 3, (600 * 1280 + 640 + 20) * 3);
      expect(shareOf({ rgb: around }, GREEN)).toBeLessThan(1);

      await using other = await serveColour("rgb(200, 30, 30)");
      const stale = await plan(gateway, "mouse.click", at);
      await run(gateway, "browser.open", { url: other.url });
      await approve(gateway, stale);
      expect(await execute(gateway, stale.task_id)).toMatchObject({
        status: "failed",
        error: { code: "state_changed" },
      });

      await run(gateway, "browser.open", { url: page.url });
      await approve(gateway, planned);
      expect(await execute(gateway, planned.task_id)).toMatchObject({ status: "completed" });
      const cursor = await run(gateway, "screen.cursor", {});
      expect(cursor.result).toEqual({ x: 640, y: 600 });
    });

    test("points outside of the screen are refused, with its size", async () => {
      const body = { action: "mouse.click", parameters: { coordinates: { x: 1280, y: 5 } } };
      const { status, body: problem } = await call<{ code: string; detail: string }>(
        gateway,
        "POST",
        "/plan",
        body,
      );
      expect([status, problem.code]).toEqual([400, "invalid_request"]);
      expect(problem.detail).toContain("1280 by 960");
    });

    test("an application that is not installed says what to install", async () => {
      const body = { action: "app.open", parameters: { application: "thunderbird" } };
      const answer = await call<{ code: string; hint: string }>(gateway, "POST", "/plan", body);
      expect([answer.status, answer.body.code]).toEqual([503, "desktop_unavailable"]);
      expect(answer.body.hint).toContain("apt-get install thunderbird");
    });

    test("nothing of it outlives the gateway, however that ends", async () => {
      await using another = await startGateway({ policy: POLICY });
      await run(another, "app.open", { application: "terminal" });
      await run(another, "browser.open", { url: page.url });
      const children = processesUnder(another.pid);
      expect(children.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["Xvfb", "openbox", "bwrap", "xterm"]),
      );
      await another.kill();
      for (const child of children) await child.ended;
    });
  },
);

const POLICY = {
  ...DEFAULT_POLICY,
  capabilities: {
    ...DEFAULT_POLICY.capabilities,
    "app.open": {
      enabled: true,
      risk_level: "medium",
      allowed_apps: ["terminal", "thunderbird"],
    },
  },
};
