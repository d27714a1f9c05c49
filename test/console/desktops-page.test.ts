import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { LinkView } from "../../src/contract/people.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { hasXTools, sees } from "../bytebot/x-tools.ts";
import { DESKTOPS, type TestedDesktop } from "../desktop/both-desktops.ts";
import { seriousFindings } from "../support/axe.ts";
import { call } from "../support/call.ts";
import { browserPath, ConsoleBrowser, PHONE, type Seat } from "../support/console-browser.ts";
import { plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** What a terminal tells the program in it of a mouse, without the cell that follows. */
const PRESSED = "\u001b[M ";
const LET_GO = "\u001b[M#";
const WHEEL_DOWN = "\u001b[Ma";

const POLL = { timeout: 25_000 } as const;

describe.runIf(browserPath && hasXTools() && sees("bwrap"))(
  "the embedded desktop in the console (needs Chromium and Xvfb)",
  () => {
    const owned = new AsyncDisposableStack();
    let desktop: TestedDesktop;
    let gateway: Gateway;
    let seat: Seat;
    let page: Page;
    let browser: ConsoleBrowser;
    let before = "";

    beforeAll(async () => {
      desktop = owned.use(await (DESKTOPS.embedded as () => Promise<TestedDesktop>)());
      gateway = desktop.gateway;
      browser = owned.use(await ConsoleBrowser.open());
      seat = await browser.sit(gateway);
      page = seat.page;
      page.setDefaultTimeout(25_000);
      await seat.enrol("Olga Operator");
    });
    afterEach(() => expect(seat.complaints).toEqual([]));
    afterAll(() => owned.disposeAsync());

    const gets = async (text: string, acts: () => Promise<unknown>) => {
      await acts();
      const all = await desktop.received(
        (received) => received.length >= before.length + text.length,
      );
      expect(all.slice(before.length)).toBe(text);
      before = all;
    };
    const hands = () => page.getByRole("application");
    /** Pixels of the screen, as a place in the page. */
    const at = async (x: number, y: number) => {
      const box = await hands().boundingBox();
      if (box === null) throw new Error("the screen is not on show");
      return {
        x: box.x + ((x + 0.5) / 1280) * box.width,
        y: box.y + ((y + 0.5) / 960) * box.height,
      };
    };

    it("lists it with its health, and leads to it", async () => {
      await page.getByRole("link", { name: "Desktops" }).click();
      const card = page.getByRole("article");
      await card.getByText("ready").waitFor();
      await card.getByText("free").waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await card.getByRole("link", { name: "embedded" }).click();
      await page.getByRole("heading", { name: "embedded" }).waitFor();
    });

    it("shows its picture, which nobody can act on yet", async () => {
      await picture(page);
      expect(await hands().count()).toBe(0);
      expect(await page.getByLabel("Text for the desktop").count()).toBe(0);
      expect(await seriousFindings(page)).toEqual([]);
    });

    it("taken over, a click and keys reach the program under them", async () => {
      await page.locator(".takeover select").selectOption("5 minutes");
      await page.getByRole("button", { name: "Take over" }).click();
      await page.getByText("It is yours").waitFor();
      await hands().waitFor();
      const { x, y } = await at(60, 60);
      const click = await desktop.received(() => true);
      expect(click).toBe("");
      await page.mouse.click(x, y);
      // Pressed and let go, with the cells of the terminal that it fell on.
      before = await desktop.received((received) => received.length >= 12);
      expect(before.slice(0, 4) + before.slice(6, 10)).toBe(PRESSED + LET_GO);
      await gets("Hi +\n", async () => {
        await page.keyboard.type("Hi +");
        await page.keyboard.press("Enter");
      });
      expect(await seriousFindings(page)).toEqual([]);
    });

    it("a double click is one for the desktop, and the wheel scrolls there", async () => {
      const { x, y } = await at(60, 60);
      await page.mouse.dblclick(x, y);
      const twice = await desktop.received((received) => received.length >= before.length + 24);
      expect(twice.slice(before.length).split(PRESSED)).toHaveLength(3);
      before = twice;
      await page.mouse.wheel(0, 200);
      const turned = await desktop.received((received) => received.length >= before.length + 12);
      expect(turned.slice(before.length).split(WHEEL_DOWN)).toHaveLength(3);
      before = turned;
    });

    it("the keyboard alone is enough, and is not caught", async () => {
      await page.keyboard.press("Shift+Escape");
      const hasFocus = async () => (await page.locator(".hands:focus").count()) === 1;
      expect(await hasFocus()).toBe(true);
      await page.keyboard.press("Tab");
      expect(await hasFocus()).toBe(false);
      await page.keyboard.press("Shift+Tab");
      expect(await hasFocus()).toBe(true);
      for (let count = 0; count < 3; count++) await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Space");
      const clicked = await desktop.received((received) => received.length >= before.length + 12);
      expect(clicked.slice(before.length, before.length + 4)).toBe(PRESSED);
      before = clicked;
      await page.keyboard.press("Enter");
      await gets("\u0001", () => page.keyboard.press("Control+a"));
      await page.keyboard.press("Shift+Escape");
    });

    it("text, keys and places can be given in fields too", async () => {
      await gets("tïped", async () => {
        await page.getByLabel("Text for the desktop").fill("tïped");
        await page.getByRole("button", { name: "Type it" }).click();
      });
      await gets("\u001b[A", () => page.getByRole("button", { name: "ArrowUp" }).click());
      await gets("\u0002", async () => {
        await page.getByLabel("Keys together").fill("ctrl+b");
        await page.getByRole("button", { name: "Press" }).click();
      });
      await page.getByText("Click by numbers").click();
      await page.getByLabel("From the left").fill("60");
      await page.getByLabel("From the top").fill("60");
      await page.getByRole("button", { name: "Click", exact: true }).click();
      const clicked = await desktop.received((received) => received.length >= before.length + 12);
      expect(clicked.slice(before.length, before.length + 4)).toBe(PRESSED);
      before = clicked;
    });

    it("a key that the desktop does not have is refused in words", async () => {
      await page.getByLabel("Keys together").fill("ctrl+nonsense");
      await page.getByRole("button", { name: "Press" }).click();
      await page.getByRole("alert").getByText("nonsense").waitFor();
    });

    it("another operator sees who has it and not what is shown; an approver sees no desktops", async () => {
      const invite = (role: string) =>
        page.evaluate<LinkView>(`fetch("/people", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: ${JSON.stringify(JSON.stringify({ role }))},
        }).then((response) => response.json())`);
      const links = { operator: await invite("operator"), approver: await invite("approver") };
      await using otto = await browser.sit(gateway);
      await otto.enrol("Otto", links.operator.url);
      await otto.open("/console/desktops/embedded");
      await otto.page.getByText("Olga Operator has it").waitFor();
      expect(await otto.page.locator("canvas").count()).toBe(0);
      expect(await otto.page.getByRole("button", { name: "Take over" }).count()).toBe(0);
      expect(await seriousFindings(otto.page)).toEqual([]);

      await using ada = await browser.sit(gateway);
      await ada.enrol("Ada", links.approver.url);
      expect(await ada.page.getByRole("link", { name: "Desktops" }).count()).toBe(0);
      await ada.open("/console/desktops/embedded");
      await ada.page.getByText("There is no such page").waitFor();
      expect(await ada.page.evaluate(`fetch("/desktops").then(({ status }) => status)`)).toBe(403);
    });

    it("a task waits until it is given back, and then goes on", async () => {
      const { task_id } = await plan(gateway, "screen.capture", {});
      await call(gateway, "POST", "/execute", { task_id });
      const status = async () => (await task(gateway, task_id)).status;
      expect(await status()).toBe("queued");
      await page.getByRole("button", { name: "Extend" }).click();
      await page.getByText("The desktop is yours for").waitFor();
      expect(await status()).toBe("queued");
      await page.getByRole("button", { name: "Give back" }).click();
      await page.getByRole("button", { name: "Take over" }).waitFor();
      await expect.poll(status, POLL).toBe("completed");
      expect(await hands().count()).toBe(0);
    });

    it.each(["light", "dark"] as const)("fits a phone, %s", async (colorScheme) => {
      await page.setViewportSize(PHONE);
      // Colours on their way from one to the other have no contrast of their own.
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.getByRole("button", { name: "Take over" }).click();
      await hands().waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.width);
      await page.getByRole("button", { name: "Give back" }).click();
      await page.getByRole("button", { name: "Take over" }).waitFor();
    });
  },
);

describe.runIf(browserPath)("ByteBot's desktop in the console (needs Chromium)", () => {
  const owned = new AsyncDisposableStack();
  let daemon: Daemon;
  let gateway: Gateway;
  let seat: Seat;
  let page: Page;

  beforeAll(async () => {
    daemon = owned.use(await startDaemon());
    daemon.screen.fill(0, 0, 640, 960, [0, 176, 80]);
    gateway = owned.use(
      await startGateway({
        policy: { capabilities: { "mouse.move": { enabled: true, confirmation: "client" } } },
        env: { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" },
      }),
    );
    const browser = owned.use(await ConsoleBrowser.open());
    seat = await browser.sit(gateway);
    page = seat.page;
    page.setDefaultTimeout(25_000);
    await seat.enrol("Olga Operator");
  });
  afterEach(() => expect(seat.complaints).toEqual([]));
  afterAll(() => owned.disposeAsync());

  const inputs = () => daemon.vncInput.filter(({ kind }) => kind !== "encodings");
  const live = () => page.locator(".vnc canvas");
  const colourAt = (x: number, y: number) =>
    page.evaluate(`(() => {
      const canvas = document.querySelector(".vnc canvas");
      return [...canvas.getContext("2d").getImageData(${x}, ${y}, 1, 1).data];
    })()`);

  it("is shown live, and asks for no kind of picture that the page's policy refuses", async () => {
    await seat.open("/console/desktops/bytebot");
    await live().waitFor();
    await expect.poll(() => colourAt(100, 100), POLL).toEqual([0, 176, 80, 255]);
    daemon.screen.fill(0, 0, 640, 960, [200, 30, 30]);
    await expect.poll(() => colourAt(100, 100), POLL).toEqual([200, 30, 30, 255]);
    const asked = daemon.vncInput.find(({ kind }) => kind === "encodings");
    if (asked?.kind !== "encodings") throw new Error("none were asked for");
    expect(asked.encodings).toContain(7);
    for (const encoding of [21, -260, -26, -239]) expect(asked.encodings).not.toContain(encoding);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it("I17 takes no input without a takeover, and takes it with one", async () => {
    await live().click({ position: { x: 20, y: 20 } });
    await page.keyboard.type("no");
    expect(inputs()).toEqual([]);
    await page.getByRole("button", { name: "Take over" }).click();
    await page.getByText("It is yours").waitFor();
    const box = await live().boundingBox();
    if (box === null) throw new Error("nothing is on show");
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await daemon.waitFor(({ pointer: { x, y } }) => near(x, 640) && near(y, 480));
    await page.keyboard.type("yes");
    await daemon.waitFor(() => daemon.typed === "yes");
    await page.getByText("Shift+Escape takes them back").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it("the keyboard is not caught, and nothing stays held", async () => {
    await page.keyboard.press("Shift+Escape");
    await page.locator(".vnc:focus").waitFor();
    await daemon.waitFor(() => daemon.held.size === 0);
    const before = inputs().length;
    await page.keyboard.press("Tab");
    expect(await page.locator(".vnc:focus, .vnc :focus").count()).toBe(0);
    await page.keyboard.press("Shift+Tab");
    await page.locator(".vnc:focus").waitFor();
    expect(inputs().length).toBe(before);
    await page.keyboard.press("Enter");
    await page.keyboard.type("x");
    await daemon.waitFor(() => daemon.typed === "yesx");
  });

  it("given back, it is only looked at again", async () => {
    await page.getByRole("button", { name: "Give back" }).click();
    await page.getByRole("button", { name: "Take over" }).waitFor();
    const before = inputs().length;
    await live().click({ position: { x: 30, y: 30 } });
    await page.keyboard.type("no");
    daemon.screen.fill(0, 0, 640, 960, [0, 0, 200]);
    await expect.poll(() => colourAt(100, 100), POLL).toEqual([0, 0, 200, 255]);
    expect(inputs().length).toBe(before);
    expect(daemon.typed).toBe("yesx");
  });

  it("a stop takes it away and says so", async () => {
    await page.getByRole("button", { name: "Take over" }).click();
    await page.getByText("It is yours").waitFor();
    await call(gateway, "POST", "/stop", {}, gateway.keys.approver);
    await page.getByText("The desktop is no longer yours.").waitFor();
    await page.getByRole("button", { name: "Take over" }).click();
    await page.locator(".takeover .problem").waitFor();
    await call(gateway, "POST", "/resume", {}, gateway.keys.approver);
  });

  it("where VNC keeps breaking off, there are pictures", async () => {
    const given = page.getByText("The live picture cannot be had");
    while ((await given.count()) === 0) {
      daemon.dropViewers();
      await given.waitFor({ timeout: 200 }).catch(() => undefined);
    }
    await picture(page);
    await page.getByRole("button", { name: "Try the live picture again" }).click();
    await live().waitFor();
    // What noVNC says of its own accord of a connection that breaks off.
    const own = /^Failed when connecting/;
    expect(seat.complaints.filter((complaint) => !own.test(complaint))).toEqual([]);
    seat.complaints.length = 0;
  });

  it("while a task runs it cannot be had, and the task is named", async () => {
    const fault = daemon.fail({ action: "move_mouse", with: "hang" });
    const { task_id } = await plan(gateway, "mouse.move", { coordinates: { x: 1, y: 1 } });
    await call(gateway, "POST", "/execute", { task_id });
    await fault.hit;
    await page.getByText("A task runs here").waitFor();
    await page.getByRole("button", { name: "Take over" }).click();
    const link = page.getByRole("link", { name: "See the task that runs, or cancel it" });
    expect(await link.getAttribute("href")).toBe(`/console/tasks/${task_id}`);
    expect(await seriousFindings(page)).toEqual([]);
    await call(gateway, "POST", `/tasks/${task_id}/cancel`, {}, gateway.keys.approver);
    daemon.clearFaults();
    await page.getByText("A task runs here").waitFor({ state: "detached" });
  });

  it("I15 signed out elsewhere, the live picture ends", async () => {
    await daemon.waitFor(() => daemon.vncViewers === 1);
    await page.evaluate(`fetch("/session", {
      method: "DELETE",
      headers: { "content-type": "application/json" },
      body: "{}",
    })`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await daemon.waitFor(() => daemon.vncViewers === 0);
  });
});

/** A pixel of the page is more than one of the screen. */
function near(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) <= 3;
}

/** Resolves when a single picture is on show. */
async function picture(page: Page): Promise<void> {
  await page.getByText("Picture of").waitFor();
  expect(await page.locator(".picture-canvas").getAttribute("width")).toBe("1280");
}
