import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readPngSize } from "../../src/lib/png.ts";
import { task } from "../support/flow.ts";
import { startGateway } from "../support/gateway.ts";
import { browserPath, ChatPage } from "./chat-page.ts";
import { awaitCard, callTool, imageOf } from "./tool-calls.ts";

const isDesktopHere = ["/usr/bin/Xvfb", "/usr/bin/bwrap"].every((path) => existsSync(path));

describe.runIf(isDesktopHere)("tools of the embedded desktop (needs Xvfb and bubblewrap)", () => {
  it("screen_capture answers the screen as an image", async () => {
    await using gateway = await startGateway();
    const shot = await imageOf(gateway, "screen_capture", {});
    expect(shot.headers.get("content-type")).toBe("image/png");
    expect(shot.headers.get("content-disposition")).toBeNull();
    expect(readPngSize(Buffer.from(await shot.arrayBuffer())).width).toBeGreaterThan(100);
    const { body } = await callTool(gateway, "screen_cursor", {});
    expect(body.result).toMatchObject({ x: expect.any(Number), y: expect.any(Number) });
  });

  it.runIf(browserPath)(
    "I12 the picture of a click stands on the card that decides on it, and on no other (needs Chromium)",
    async () => {
      await using gateway = await startGateway({
        policy: {
          capabilities: {
            "screen.capture": { enabled: true, confirmation: "approver" },
            "mouse.click": { enabled: true },
          },
        },
        clients: [
          {
            id: "trusted",
            scheme: "bearer",
            scopes: ["plan", "execute", "read"],
            trusted_approval_surface: true,
          },
        ],
      });
      await using chat = await ChatPage.open();
      const args = { coordinates: { x: 100, y: 120 } };
      const plain = await awaitCard(gateway, "mouse_click", args);
      const other = await chat.show(plain.url);
      await other.card.waitForSelector("#elsewhere:visible");
      expect(await other.card.locator("#plan img").count()).toBe(0);

      const { url, taskId } = await awaitCard(gateway, "mouse_click", args, gateway.keys.trusted);
      const { card } = await chat.show(url);
      await card.waitForSelector("#plan img");
      // Its width is the screen's; it could not be approved before it was there and in view.
      expect(await card.evaluate("document.querySelector('#plan img').naturalWidth")).toBe(1280);
      await card.locator("#plan img").scrollIntoViewIfNeeded();
      await card.waitForSelector("#note:not(:has-text('Read all'))");
      await card.locator("#approve").scrollIntoViewIfNeeded();
      await card.click("#approve:enabled");
      await card.click("#approve:enabled:has-text('Yes, run exactly this')");
      await card.waitForSelector('h1:has-text("Done")');
      const { approvals } = await task(gateway, taskId, gateway.keys.approver);
      expect(approvals).toMatchObject([{ key_id: "trusted", via: "card" }]);
      expect(chat.complaints).toEqual([]);
    },
  );
});
