import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Frame, type Page } from "playwright-core";

export const browserPath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

/** What Open WebUI allows its frames, and nothing besides. */
const SANDBOX = "allow-scripts allow-popups allow-downloads";

/**
 * A chat of another origin that shows a card as Open WebUI does: in an iframe with this sandbox, as
 * tall as the card asks for.
 */
export class ChatPage implements AsyncDisposable {
  readonly #server: Server;
  readonly #browser: BrowserContext;
  readonly #profile: string;
  readonly complaints: string[] = [];

  private constructor(server: Server, browser: BrowserContext, profile: string) {
    this.#server = server;
    this.#browser = browser;
    this.#profile = profile;
  }

  static async open(): Promise<ChatPage> {
    const server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? "/", "http://chat");
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(chat(searchParams.get("src") ?? "", searchParams.get("cover") ?? ""));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const profile = await mkdtemp(join(tmpdir(), "browser-"));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: browserPath ?? "",
      chromiumSandbox: false,
      viewport: { width: 800, height: 700 },
      args: ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    return new ChatPage(server, browser, profile);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Opens the chat with a card in it; `cover` is HTML that lies over the card. */
  async show(url: string, cover = ""): Promise<{ page: Page; card: Frame }> {
    const page = await this.#browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
    const query = new URLSearchParams({ src: url, cover });
    await page.goto(`${this.origin}/?${query}`);
    const frame = await (await page.waitForSelector("iframe")).contentFrame();
    if (frame === null) throw new Error("the chat has no card");
    return { page, card: frame };
  }

  /** The card alone, in a tab. */
  async open(url: string): Promise<Page> {
    const page = await this.#browser.newPage();
    await page.goto(url);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#profile, { recursive: true, force: true });
  }
}

const attribute = (text: string) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

function chat(source: string, cover: string): string {
  return `<!doctype html><title>Chat</title><body style="margin:0">
<iframe sandbox="${SANDBOX}" src="${attribute(source)}" style="border:0;width:100%;height:400px"></iframe>
${cover}
<script>
const frame = document.querySelector("iframe");
addEventListener("message", ({ source, data }) => {
  if (source !== frame.contentWindow || data?.type !== "iframe:height") return;
  frame.style.height = data.height + "px";
});
</script>`;
}
