import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { Gateway } from "./gateway.ts";
import { originOf, printedLink } from "./people.ts";

export const browserPath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

/** The longest that one step of a test waits. */
const STEP_MS = 15_000;

export const PHONE = { width: 390, height: 780 } as const;
export const DESK = { width: 1280, height: 860 } as const;

interface SeatOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce";
}

/** Chromium, in which each person has a browser profile of their own. */
export class ConsoleBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  static async open(): Promise<ConsoleBrowser> {
    const folder = await mkdtemp(join(tmpdir(), "console-browser-"));
    const browser = await chromium.launch({
      executablePath: browserPath ?? "",
      chromiumSandbox: false,
      env: { ...process.env, HOME: folder, TMPDIR: folder },
      args: ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    return new ConsoleBrowser(browser, folder);
  }

  /** Somebody in front of the console, with an authenticator that touches itself. */
  async sit(gateway: Gateway, options: SeatOptions = {}): Promise<Seat> {
    const context = await this.#browser.newContext({ viewport: DESK, ...options });
    context.setDefaultTimeout(STEP_MS);
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    const refuseTouch = () =>
      devtools
        .send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false })
        .then(() => undefined);
    return new Seat(gateway, context, page, refuseTouch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export class Seat implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly context: BrowserContext;
  readonly page: Page;
  /** The passkey knows nobody from now on: it signs nothing. */
  readonly refuseTouch: () => Promise<void>;
  /** What the browser complained about: script errors and refusals of the page's policy. */
  readonly complaints: string[] = [];

  constructor(
    gateway: Gateway,
    context: BrowserContext,
    page: Page,
    refuseTouch: () => Promise<void>,
  ) {
    this.refuseTouch = refuseTouch;
    this.gateway = gateway;
    this.context = context;
    this.page = page;
    page.on("console", (message) => {
      // An answer that refuses is part of what is tested; it is no mistake of the page.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.complaints.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /** Opens a path of the console under the name passkeys work with. */
  async open(path = "/console"): Promise<void> {
    await this.page.goto(originOf(this.gateway) + path);
  }

  /** Through a one-time link, adding a passkey. */
  async enrol(name: string, link: string = printedLink(this.gateway)): Promise<void> {
    const { hash, pathname } = new URL(link);
    await this.open(pathname + hash);
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: "Create a passkey" }).click();
    await this.page.getByRole("heading", { name: "Inbox" }).waitFor();
  }

  /** Reads all of the plan that is open, as a person does, until it can be approved. */
  async readPlan(): Promise<void> {
    const { page } = this;
    await page.locator(".decide").waitFor();
    const ready = page.locator(".decide button.primary");
    const on = page.getByRole("button", { name: "Read on" });
    // Each press brings on the next part, which counts once it was in view for a moment.
    for (let presses = 0; (await ready.count()) === 0; presses += 1) {
      if (presses > 100) throw new Error(await page.locator(".decide-note").innerText());
      await on.click({ timeout: 1000 }).catch(() => undefined);
      await page.waitForTimeout(150);
    }
    await page.locator(".decide button.primary:enabled").waitFor();
  }

  /** Reads, and approves by two acts. */
  async approve(): Promise<void> {
    await this.readPlan();
    await this.page.locator(".decide button.primary:enabled").click();
    await this.page.locator(".decide button.armed:enabled").click();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
