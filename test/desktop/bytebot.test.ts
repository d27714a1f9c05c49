import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { startXDisplay, type XDisplay } from "../bytebot/x-display.ts";
import { openTerminal, type Terminal } from "../bytebot/x-terminal.ts";
import { hasXTools, sees } from "../bytebot/x-tools.ts";
import { call } from "../support/call.ts";
import { approve, execute, plan, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Colour, screenshotOf, shareOf } from "./screens.ts";
import { serveColour, type WebPage } from "./web-page.ts";

const TEXT = "héllo ∑ 日本語";
const GREEN: Colour = [0, 176, 80];

/** ByteBot's daemon on a real display, driven through the started program. */
describe.runIf(hasXTools() && sees("chromium"))("ByteBot's desktop", () => {
  const owned = new AsyncDisposableStack();
  let display: XDisplay;
  let daemon: Daemon;
  let terminal: Terminal;
  let gateway: Gateway;
  let page: WebPage;

  beforeAll(async () => {
    page = owned.use(await serveColour(`rgb(${GREEN.join(",")})`));
    display = owned.use(await startXDisplay());
    terminal = owned.use(await openTerminal(display));
    daemon = owned.use(
      await startDaemon({
        display: {
          display: display.display,
          authority: display.authority,
          applications: { firefox: browserIn(display.directory) },
        },
      }),
    );
    gateway = owned.use(
      await startGateway({
        policy: DEFAULT_POLICY,
        env: { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" },
      }),
    );
  });

  afterAll(() => owned.disposeAsync());

  test("is ready, and says what it performs", async () => {
    expect((await call(gateway, "GET", "/ready")).status).toBe(200);
    const { body } = await call<{
      capabilities: Record<string, { enabled: boolean; reason?: string; desktops?: string[] }>;
    }>(gateway, "GET", "/capabilities");
    expect(body.capabilities["mouse.click"]).toMatchObject({
      enabled: true,
      desktops: ["bytebot"],
    });
    expect(body.capabilities["fs.list"]).toMatchObject({
      enabled: false,
      reason: expect.stringContaining("cannot list folders"),
    });
  });

  test("a terminal window receives what a person has approved", async () => {
    const planned = await plan(gateway, "keyboard.type", { text: TEXT });
    await approve(gateway, planned);
    expect(terminal.received()).toBe("");
    expect(await execute(gateway, planned.task_id)).toMatchObject({ status: "completed" });
    expect(await terminal.waitFor((received) => received.length >= TEXT.length)).toBe(TEXT);
  });

  test("a real browser shows a page, and the screenshot shows it", async () => {
    const opened = await run(gateway, "browser.open", { url: page.url });
    expect(opened).toMatchObject({ status: "completed", result: { url: page.url } });
    expect(page.asked).toContain("/page");
    const picture = await screenshotOf(gateway, opened);
    expect(shareOf(picture, GREEN)).toBeGreaterThan(0.3);
  });

  test("files are written, read back and read", async () => {
    const path = "/home/user/Desktop/note.txt";
    expect(await run(gateway, "fs.write", { path, content: TEXT })).toMatchObject({
      status: "completed",
      result: { path, size: Buffer.byteLength(TEXT) },
    });
    expect(await run(gateway, "fs.read", { path })).toMatchObject({ result: { content: TEXT } });
    const again = await run(gateway, "fs.write", { path, content: "other" });
    expect(again).toMatchObject({ status: "failed", error: { code: "file_exists" } });
  });

  test("a daemon that is gone makes the gateway unready, and says what to do", async () => {
    await daemon.stopListening();
    const { status, body } = await call<{ parts: { driver: { detail: string; hint: string } } }>(
      gateway,
      "GET",
      "/ready",
    );
    expect(status).toBe(503);
    expect(body.parts.driver.hint).toContain("BYTEBOT_URL");
    const refused = await run(gateway, "screen.capture", {});
    expect(refused).toMatchObject({ status: "failed", error: { code: "bytebot_unavailable" } });
    await daemon.listenAgain();
  });
});

function browserIn(directory: string): string[] {
  return [
    ...["chromium", "--no-sandbox", "--no-first-run", "--disable-background-networking"],
    ...["--disable-sync", "--disable-gpu", "--start-maximized"],
    ...[`--user-data-dir=${directory}/browser`, "about:blank"],
  ];
}
