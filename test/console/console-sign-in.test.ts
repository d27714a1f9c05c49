import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserPath, ConsoleBrowser, PHONE } from "../support/console-browser.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { originOf, printedLink } from "../support/people.ts";

/** Bytes, compressed with gzip: everything that the inbox loads. */
const BUDGET = 200_000;

describe.runIf(browserPath)("signing in to the console (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  beforeAll(async () => {
    gateway = await startGateway();
    browser = await ConsoleBrowser.open();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  it("lets the first operator in by the printed link and a passkey, out, and in again", async () => {
    await using seat = await browser.sit(gateway);
    const { page } = seat;
    const link = printedLink(gateway);
    await seat.enrol("Olga Operator");
    // The secret stays in no history.
    expect(page.url()).toBe(`${originOf(gateway)}/console`);
    await page.getByRole("link", { name: "Olga Operator" }).click();
    await page.getByText("operator", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("heading", { name: "Olga Operator" }).waitFor();

    // A link opens once, also where the page is open already.
    await page.goto(`${originOf(gateway)}/console${new URL(link).hash}`);
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").innerText()).toContain("cannot be used any more");
    await page.getByRole("button", { name: "To the sign-in page" }).click();
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    expect(seat.complaints).toEqual([]);
  });

  it("takes a password where passkeys cannot work, and says the name to sign in with", async () => {
    await using other = await startGateway();
    await using seat = await browser.sit(other, { viewport: PHONE });
    const { page } = seat;
    const address = `http://127.0.0.1:${other.port}`;
    await page.goto(`${address}/console${new URL(printedLink(other)).hash}`);
    await page.getByLabel("Your name").fill("Paula Password");
    await page.getByLabel("Password, at least").fill("correct horse battery");
    await page.getByRole("button", { name: "Set the password" }).click();
    const id = await page.locator(".sign-in-name").innerText();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("heading", { name: "Inbox" }).waitFor();

    await page.goto(`${address}/console/account`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Sign-in name").fill(id);
    await page.getByLabel("Password").fill("wrong horse battery");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Paula Password" }).waitFor();
    expect(seat.complaints).toEqual([]);
  });

  it("loads at most 200 KB for the inbox, from nowhere but the gateway", async () => {
    await using other = await startGateway();
    await using seat = await browser.sit(other);
    await seat.enrol("Bea Budget");
    const loaded = new Map<string, Promise<number>>();
    seat.page.on("response", (response) => {
      loaded.set(
        response.url(),
        response
          .request()
          .sizes()
          .then(
            ({ responseBodySize }) => responseBodySize,
            () => 0,
          ),
      );
    });
    await seat.context.clearCookies({ name: "none" });
    await seat.page.reload();
    await seat.page.getByText("Nothing waits for you").waitFor();
    const origin = originOf(other);
    const foreign = [...loaded.keys()].filter((url) => !url.startsWith(origin));
    expect(foreign).toEqual([]);
    // As a client that knows gzip alone, and everything the page named, cached or not.
    const parts = await seat.page.evaluate(
      "performance.getEntriesByType('resource').map((entry) => entry.name).concat(location.href)",
    );
    let bytes = 0;
    let scripts = 0;
    for (const part of new Set(parts as string[])) {
      const { pathname } = new URL(part);
      if (!pathname.startsWith("/console")) continue;
      const response = await fetch(part, {
        headers: { "accept-encoding": "gzip" },
      });
      expect(response.headers.get("content-encoding")).toBe("gzip");
      bytes += Number(response.headers.get("content-length"));
      if (pathname.endsWith(".js")) scripts += 1;
      await response.body?.cancel();
    }
    expect(scripts).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThanOrEqual(BUDGET);
  });

  it("has a page without inline script or style, framed nowhere, its parts kept for good", async () => {
    const response = await fetch(`${gateway.url}/console/tasks`);
    const html = await response.text();
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(html).not.toMatch(/<script(?![^>]*src="\/console\/assets\/)|<style|style=|https?:/);
    const parts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part = ""]) => part);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      const { status, headers } = await fetch(gateway.url + part);
      expect([part, status]).toEqual([part, 200]);
      expect(headers.get("cache-control")).toContain("immutable");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    for (const path of ["nonsense", "assets", "assets/..%2f..%2fmain.js", "tasks/a/b"]) {
      expect((await fetch(`${gateway.url}/console/${path}`)).status).toBe(404);
    }
  });
});
