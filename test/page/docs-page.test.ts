import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { call } from "../support/call.ts";
import { startGateway } from "../support/gateway.ts";

const browserPath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

test.runIf(browserPath)(
  "/docs shows every operation in a browser, from this host alone (needs Chromium)",
  async () => {
    await using gateway = await startGateway();
    const profile = await mkdtemp(join(tmpdir(), "browser-"));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: browserPath ?? "",
      chromiumSandbox: false,
      args: ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      const hosts = new Set<string>();
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => hosts.add(new URL(request.url()).host));

      await page.goto(`${gateway.url}/docs`);
      await page.locator(".opblock-summary-path").first().waitFor();
      const { body } = await call<{ paths: object }>(gateway, "GET", "/openapi.json");
      const shown = await page.locator(".opblock-summary-path").allInnerTexts();
      // The viewer puts an invisible break after each slash.
      const names = shown.map((text) => text.replaceAll("\u200b", ""));
      expect(new Set(names)).toEqual(new Set(Object.keys(body.paths)));
      expect(complaints).toEqual([]);
      expect([...hosts].filter((host) => host !== "")).toEqual([new URL(gateway.url).host]);
    } finally {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    }
  },
);
