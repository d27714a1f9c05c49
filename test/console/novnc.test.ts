import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { browserPath, ConsoleBrowser } from "../support/console-browser.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, originOf, type Person } from "../support/people.ts";

const NOVNC = join(import.meta.dirname, "../../node_modules/@novnc/novnc");
const OPEN = `(async () => {
  const { default: RFB } = await import("/novnc/core/rfb.js");
  const screen = document.createElement("div");
  screen.style.width = "640px";
  screen.style.height = "480px";
  document.body.replaceChildren(screen);
  const rfb = new RFB(screen, location.origin.replace("http", "ws") + "/desktops/bytebot/vnc");
  rfb.addEventListener("disconnect", ({ detail }) => { window.isClean = detail.clean; });
  window.rfb = rfb;
  await new Promise((resolve) => rfb.addEventListener("connect", resolve));
})()`;

/** noVNC in a real browser, on the console's page. */
describe.runIf(browserPath)("noVNC", () => {
  const owned = new AsyncDisposableStack();
  let daemon: Daemon;
  let gateway: Gateway;
  let olga: Person;
  let page: Page;

  beforeAll(async () => {
    daemon = owned.use(await startDaemon());
    gateway = owned.use(
      await startGateway({
        env: { BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none", DRIVER: "bytebot" },
      }),
    );
    olga = await firstOperator(gateway);
    const browser = owned.use(await ConsoleBrowser.open());
    ({ page } = owned.use(await browser.sit(gateway)));
    const [name = "", value = ""] = olga.cookie.split("=");
    await page.context().addCookies([{ name, value, url: originOf(gateway), sameSite: "Strict" }]);
    await page.route("**/novnc/**", async (route) => {
      const { pathname } = new URL(route.request().url());
      const body = await readFile(join(NOVNC, pathname.slice("/novnc/".length)), "utf8");
      return route.fulfill({ contentType: "text/javascript", body });
    });
    // With the console's own policy of content, whose `self` is to cover the socket.
    await page.goto(`${originOf(gateway)}/console`);
    await page.evaluate(OPEN);
  });
  afterAll(() => owned.disposeAsync());

  test("shows the screen", async () => {
    daemon.screen.fill(0, 0, 1280, 960, [200, 30, 40]);
    await page.evaluate(`(async () => {
      const shows = () => {
        const canvas = document.querySelector("canvas");
        const [red, green, blue] = canvas.getContext("2d").getImageData(10, 10, 1, 1).data;
        return canvas.width === 1280 && red === 200 && green === 30 && blue === 40;
      };
      while (!shows()) await new Promise(requestAnimationFrame);
    })()`);
  });

  test("I17 moves it with a takeover only", async () => {
    const canvas = page.locator("canvas");
    const inputs = () => daemon.vncInput.filter(({ kind }) => kind !== "encodings");
    await canvas.click({ position: { x: 50, y: 60 } });
    await page.keyboard.type("no");
    await olga.call("POST", "/desktops/bytebot/takeover", { minutes: 5 });
    expect(inputs()).toEqual([]);
    await canvas.click({ position: { x: 70, y: 80 } });
    await page.keyboard.type("yes");
    await daemon.waitFor(() => daemon.typed === "yes");
    expect(daemon.pointer).toEqual({ x: 70, y: 80 });
    await page.evaluate("window.rfb.clipboardPasteFrom('pasted')");
    await daemon.waitFor(() => daemon.clipboard === "pasted");
    await page.keyboard.down("Shift");
    await daemon.waitFor(() => daemon.held.has("Shift_L"));
    await olga.call("DELETE", "/desktops/bytebot/takeover");
    await daemon.waitFor(() => daemon.held.size === 0);
  });

  test("is closed when the person signs out", async () => {
    await olga.call("DELETE", "/session");
    await daemon.waitFor(() => daemon.vncViewers === 0);
  });
});
