import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Frame, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../src/lib/png.ts";
import { approve, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { browserPath, ChatPage } from "./chat-page.ts";
import { askCard, awaitCard } from "./tool-calls.ts";

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
const REQUESTER = { scheme: "bearer", scopes: ["plan", "execute", "read"] } as const;
/** Visibility is looked at every 100 ms, and after two pictures of the screen. */
const TAKEN_NOTICE =
  "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 120))))";
const LONG = Array.from({ length: 60 }, (_, line) => `line ${line}`).join("\n");

describe.runIf(browserPath)("the card in a chat of another origin (needs Chromium)", () => {
  let gateway: Gateway;
  let chat: ChatPage;
  beforeAll(async () => {
    gateway = await startGateway({
      policy: {
        capabilities: {
          "fs.read": { ...PATHS, confirmation: "approver" },
          "fs.write": { ...PATHS, risk_level: "medium" },
          "fs.edit": { ...PATHS, risk_level: "high" },
        },
      },
      clients: [{ id: "trusted", ...REQUESTER, trusted_approval_surface: true }],
    });
    chat = await ChatPage.open();
  });
  afterAll(async () => {
    await chat?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  const write = (key: string, path: string, content: string) =>
    awaitCard(gateway, "fs_write", { path, content }, gateway.keys[key]);

  /** Two clicks on a button, each once it takes them. */
  async function press(card: Frame, id: string, sure: string): Promise<void> {
    await card.locator(`#${id}`).scrollIntoViewIfNeeded();
    await card.click(`#${id}:enabled`);
    await card.click(`#${id}:enabled:has-text("${sure}")`);
  }

  /** What the person then has in the clipboard. */
  async function pasted(page: Page): Promise<string> {
    await page.evaluate("document.body.append(document.createElement('textarea'))");
    await page.focus("textarea");
    await page.keyboard.press("Control+V");
    return await page.inputValue("textarea");
  }

  /** As a person reads: part by part, each until the card has taken notice. */
  async function read(card: Frame): Promise<void> {
    for (const part of await card.locator("#plan span").all()) {
      await part.scrollIntoViewIfNeeded();
      await card.evaluate(TAKEN_NOTICE);
    }
  }

  it("shows the plan and, on a trusted surface, lets a person approve and see the result", async () => {
    const { url, taskId } = await write("trusted", "/tmp/yes.txt", "visible <b>text</b>\u202E");
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#approve:enabled");
    const text = await card.innerText("main");
    expect(text).toContain("visible <b>text</b>⟦U+202E⟧");
    expect(text).toContain("/tmp/yes.txt");
    expect(text).toContain("medium");
    expect(await card.locator("#plan b").count()).toBe(0);
    expect(existsSync(gateway.file("/tmp/yes.txt"))).toBe(false);
    await press(card, "approve", "Yes, run exactly this");
    await card.waitForSelector('h1:has-text("Done")');
    expect(readFileSync(gateway.file("/tmp/yes.txt"), "utf8")).toContain("visible");
    expect(await card.innerText("#outcome")).toContain("/tmp/yes.txt");
    expect(await card.locator("button:visible").count()).toBe(0);
    const seen = await task(gateway, taskId, gateway.keys.approver);
    expect(seen.approvals).toMatchObject([{ key_id: "trusted", via: "card" }]);
    // The frame is of an opaque origin: nothing of the chat or the gateway is within its reach.
    expect(await card.evaluate("self.origin")).toBe("null");
    expect(chat.complaints).toEqual([]);
    await page.close();
  });

  it("I8 cannot be approved before all of it was in view", async () => {
    const { url } = await write("trusted", "/tmp/long.txt", LONG);
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#approve");
    // Straight to the end, past the middle.
    await card.locator("#approve").scrollIntoViewIfNeeded();
    await card.waitForSelector('#note:has-text("Read all of it")');
    expect(await card.locator("#approve").isDisabled()).toBe(true);
    await read(card);
    await card.waitForSelector("#approve:enabled");
    expect(existsSync(gateway.file("/tmp/long.txt"))).toBe(false);
    await page.close();
  });

  it("one click, a made-up click or a key held down approves nothing", async () => {
    const { url, taskId } = await write("trusted", "/tmp/one.txt", "x");
    const { page, card } = await chat.show(url);
    await card.click("#approve:enabled");
    expect(await card.locator("#approve").isDisabled()).toBe(true);
    await card.waitForSelector("#approve:enabled");
    await card.evaluate("document.getElementById('approve').click()");
    await card.locator("#approve").focus();
    const isTaken = await card.evaluate(
      "document.getElementById('approve').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', repeat: true, cancelable: true }))",
    );
    expect(isTaken).toBe(false);
    expect(await card.locator("#approve").innerText()).toBe("Yes, run exactly this");
    expect((await task(gateway, taskId, gateway.keys.approver)).approvals).toEqual([]);
    await page.close();
  });

  it("a card under something else takes no click (clickjacking)", async () => {
    const { url, taskId } = await write("trusted", "/tmp/covered.txt", "x");
    const cover =
      '<div style="position:fixed;inset:0;background:#fff;pointer-events:none">Win a prize</div>';
    const { page, card } = await chat.show(url, cover);
    await card.waitForSelector("#approve");
    await card.waitForSelector("#note:not(:empty)");
    const faded = "<style>iframe { opacity: 0.01 }</style>";
    const second = await chat.show((await write("trusted", "/tmp/faded.txt", "x")).url, faded);
    await second.card.waitForSelector("#note:not(:empty)");
    for (const frame of [card, second.card]) {
      // Long enough for a card in the open to be ready.
      await frame.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))");
      expect(await frame.locator("#approve").isDisabled()).toBe(true);
    }
    expect((await task(gateway, taskId, gateway.keys.approver)).approvals).toEqual([]);
    await page.close();
    await second.page.close();
  });

  it("where the key is no trusted surface it shows, links and cancels, and cannot approve", async () => {
    const { url, taskId } = await write("api", "/tmp/link.txt", "x");
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#elsewhere:visible");
    expect(await card.inputValue("#address")).toContain(`/approvals/${taskId}`);
    expect(await card.locator("#approve").count()).toBe(0);
    await press(card, "reject", "Yes, reject it");
    await card.waitForSelector('h1:has-text("Cancelled")');
    expect((await task(gateway, taskId, gateway.keys.approver)).status).toBe("cancelled");
    await page.close();
  });

  it("the address is copied, within the very sandbox of Open WebUI", async () => {
    const { url, taskId } = await write("api", "/tmp/copied.txt", "x");
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#elsewhere:visible");
    // What a frame of that sandbox opens is sandboxed too: no sign-in, no session.
    expect(await card.locator("#elsewhere a").isVisible()).toBe(false);
    const before = page.context().pages();
    await card.click("#copy");
    await card.waitForSelector("#copied:not(:empty)");
    expect(await card.innerText("#copied")).toMatch(/^Copied/);
    const address = (await task(gateway, taskId, gateway.keys.approver)).confirmation.url;
    expect(await pasted(page)).toBe(address);
    // Nothing of it opens a window.
    expect(page.context().pages()).toEqual(before);
    await page.close();
  });

  it("where the clipboard is kept from it, the address stands marked", async () => {
    const { url, taskId } = await write("api", "/tmp/marked.txt", "x");
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#elsewhere:visible");
    await card.evaluate(
      "document.execCommand = () => false; Object.defineProperty(navigator, 'clipboard', { value: undefined })",
    );
    await card.click("#copy");
    await card.waitForSelector("#copied:not(:empty)");
    expect(await card.innerText("#copied")).toContain("Ctrl+C");
    await page.keyboard.press("Control+C");
    const address = (await task(gateway, taskId, gateway.keys.approver)).confirmation.url;
    expect(await pasted(page)).toBe(address);
    await page.close();
  });

  it("in a tab of its own the card has a link that opens the console", async () => {
    const { url, taskId } = await write("api", "/tmp/tab.txt", "x");
    const page = await chat.open(url);
    const link = page.locator("#elsewhere a:visible");
    expect(await link.getAttribute("href")).toContain(`/approvals/${taskId}`);
    const [opened] = await Promise.all([page.context().waitForEvent("page"), link.click()]);
    await opened.waitForURL(`**/approvals/${taskId}`);
    expect(await opened.evaluate("self.origin")).toMatch(/^http:/);
    await opened.close();
    await page.close();
  });

  it("a high risk has no button to approve, on a trusted surface either", async () => {
    writeFileSync(gateway.file("/tmp/edit.txt"), "old");
    const args = { path: "/tmp/edit.txt", old_text: "old", new_text: "new" };
    const { url } = await awaitCard(gateway, "fs_edit", args, gateway.keys.trusted);
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#elsewhere:visible");
    expect(await card.locator("#approve").count()).toBe(0);
    expect(await card.innerText("#note")).toContain("risk is high");
    await page.close();
  });

  it("follows what is approved elsewhere, and shows its picture", async () => {
    const png = await encodePng({ width: 40, height: 20, rgb: new Uint8Array(2400).fill(200) });
    writeFileSync(gateway.file("/tmp/shot.png"), png);
    const { url, taskId } = await awaitCard(gateway, "fs_read", { path: "/tmp/shot.png" });
    const { page, card } = await chat.show(url);
    await card.waitForSelector("#elsewhere:visible");
    await approve(gateway, await task(gateway, taskId, gateway.keys.approver));
    await card.waitForSelector("#outcome img");
    expect(await card.evaluate("document.querySelector('#outcome img').naturalWidth")).toBe(40);
    await page.close();
  });

  it("opened a second time shows a link alone; a link that is over says so", async () => {
    const { url, token, taskId } = await write("trusted", "/tmp/twice.txt", "remarkable");
    await askCard(gateway, "open", { token });
    const { page, card } = await chat.show(url);
    await card.waitForSelector('h1:has-text("opened before")');
    expect(await card.innerText("body")).not.toContain("remarkable");
    expect(await card.inputValue("#address")).toContain(`/approvals/${taskId}`);
    expect(await card.locator("#buttons button").count()).toBe(0);
    const gone = await chat.show(`${url.slice(0, -4)}AAAA`);
    await gone.card.waitForSelector('h1:has-text("This card is over")');
    await page.close();
    await gone.page.close();
  });

  it("is not framed by a page that the operator did not name", async () => {
    await using strict = await startGateway({ env: { CORS_ORIGINS: "https://chat.example" } });
    const { url } = await awaitCard(strict, "fs_write", { path: "/tmp/a.txt", content: "x" });
    const { page, card } = await chat.show(url);
    await page.waitForLoadState("load");
    expect(await card.locator("main").count()).toBe(0);
    await page.close();
  });
});
