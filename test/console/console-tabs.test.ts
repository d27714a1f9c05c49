import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call } from "../support/call.ts";
import { browserPath, ConsoleBrowser, Seat } from "../support/console-browser.ts";
import { plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { originOf } from "../support/people.ts";

const TABS = 8;
const PATIENT = { timeout: 15_000 };

describe.runIf(browserPath)("the console in many tabs (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  let seat: Seat;
  beforeAll(async () => {
    gateway = await startGateway({
      policy: { capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } } },
    });
    browser = await ConsoleBrowser.open();
    seat = await browser.sit(gateway);
    await seat.enrol("Olga Operator");
    await seat.page.getByText("Live", { exact: true }).waitFor();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  const write = (name: string) =>
    plan(gateway, "fs.write", { path: `/tmp/${name}`, content: name });
  const shows = (pages: readonly Page[], name: string) =>
    Promise.all(pages.map((page) => page.locator(".row", { hasText: name }).waitFor()));
  const areLive = (pages: readonly Page[]) =>
    Promise.all(pages.map((page) => page.getByText("Live", { exact: true }).waitFor()));

  it("each has a stream of its own where the browser has no locks", async () => {
    await using alone = await browser.sit(gateway);
    await alone.context.addInitScript("delete Navigator.prototype.locks");
    await alone.context.addCookies(await seat.context.cookies());
    const streams: string[] = [];
    alone.context.on("request", (request) => {
      if (request.url().endsWith("/events")) streams.push(request.url());
    });
    await alone.open();
    const second = await openTab(alone);
    await areLive([alone.page, second.page]);
    const planned = await write("alone.txt");
    await shows([alone.page, second.page], "alone.txt");
    expect(streams).toHaveLength(2);
    await call(gateway, "POST", `/tasks/${planned.task_id}/cancel`, {});
  });

  it("follows events once: all are live, any can decide, and another goes on where the first closes", async () => {
    const streams: Page[] = [];
    seat.context.on("request", (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname === "/events" && !searchParams.has("task_id"))
        streams.push(request.frame().page());
    });
    const others = await Promise.all(
      Array.from({ length: TABS - 1 }, () => openTab(seat, "behind")),
    );
    const pages = [seat.page, ...others.map(({ page }) => page)];
    await areLive(pages);
    // The first had its stream already.
    expect(streams).toEqual([]);

    const planned = await write("first.txt");
    await shows(pages, "first.txt");
    await others[4]?.page.bringToFront();
    await others[4]?.page.evaluate(FRONT);
    await others[4]?.approve();
    await expect
      .poll(async () => (await task(gateway, planned.task_id)).approvals, PATIENT)
      .toMatchObject([{ key_id: "person:olga-operator" }]);
    await Promise.all(
      pages.map((page) =>
        page.locator(".row", { hasText: "first.txt" }).waitFor({ state: "detached" }),
      ),
    );

    await Promise.all([seat.page.close(), write("meanwhile.txt")]);
    const left = pages.slice(1);
    await shows(left, "meanwhile.txt");
    await areLive(left);
    expect(streams).toHaveLength(1);
    await write("after.txt");
    await shows(left, "after.txt");

    await left[3]?.goto(`${originOf(gateway)}/console/account`);
    await left[3]?.getByRole("button", { name: "Sign out" }).click();
    const signIn = (page: Page) => page.getByRole("heading", { name: "Sign in" }).waitFor();
    await Promise.all(left.map(signIn));
    expect(others.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  /** Another tab of the same browser, on the inbox. */
  async function openTab({ context, refuseTouch }: Seat, place = "in front"): Promise<Seat> {
    const tab = new Seat(gateway, context, await context.newPage(), refuseTouch);
    if (place === "behind") await tab.page.addInitScript(BEHIND);
    await tab.open();
    return tab;
  }
});

/** Chromium without a screen has every tab in front. */
const BEHIND = `
  globalThis.visibility = "hidden";
  Object.defineProperty(document, "visibilityState", { get: () => visibility });`;
const FRONT = `globalThis.visibility = "visible"; document.dispatchEvent(new Event("visibilitychange"))`;
