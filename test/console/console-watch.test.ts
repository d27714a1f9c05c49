import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call } from "../support/call.ts";
import { browserPath, ConsoleBrowser, DESK, PHONE, type Seat } from "../support/console-browser.ts";
import { plan, planRequest, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { originOf } from "../support/people.ts";

describe.runIf(browserPath)("watching and stopping in the console (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  let seat: Seat;
  beforeAll(async () => {
    gateway = await startGateway({
      // Found again under the same address after a restart.
      env: { PORT: "0" },
      policy: {
        capabilities: {
          "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
          "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
          wait: { enabled: true },
        },
      },
    });
    browser = await ConsoleBrowser.open();
    seat = await browser.sit(gateway);
    await seat.enrol("Olga Operator");
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  it("shows a task as it runs, cancels it, and lists it", async () => {
    const { page } = seat;
    const planned = await planRequest(gateway, {
      steps: [
        { action: "wait", parameters: { duration_ms: 5 } },
        { action: "wait", parameters: { duration_ms: 60_000 } },
      ],
    });
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await seat.open(`/console/tasks/${planned.task_id}`);
    await page.locator(".status.running").waitFor();
    await page.locator(".timeline li", { hasText: "Step 2 of 2" }).waitFor();
    await page.getByRole("button", { name: "Cancel this task" }).click();
    await page.getByRole("button", { name: "Cancel the task" }).click();
    await page.locator(".status.cancelled").waitFor();
    await page.locator(".timeline li.task_cancelled").waitFor();
    await seat.open("/console/tasks");
    await page.locator(".row").first().waitFor();
    await page.getByLabel("Show").selectOption("cancelled");
    await page.locator(".row .status.cancelled").first().waitFor();
    expect(await page.locator(".row .status:not(.cancelled)").count()).toBe(0);
  });

  it("shows a result, and a large one as a file to look at or download, inert", async () => {
    const { page } = seat;
    const content = `<script>document.title = "run"</script>\u202E\n${"x".repeat(70_000)}`;
    const written = await plan(gateway, "fs.write", { path: "/tmp/big.html", content });
    await call(
      gateway,
      "POST",
      "/confirm",
      {
        task_id: written.task_id,
        plan_digest: written.plan_digest,
        decision: "approve",
      },
      gateway.keys.approver,
    );
    await call(gateway, "POST", "/execute?wait=30", { task_id: written.task_id });
    const read = await run(gateway, "fs.read", { path: "/tmp/big.html" });
    await seat.open(`/console/tasks/${read.task_id}`);
    const link = page.getByRole("link", { name: "Download" });
    await link.waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    expect(download.suggestedFilename()).toContain("big");
    await download.delete();
    expect(await page.title()).not.toBe("run");
  });

  it("stops everything from any page, says so everywhere, and resumes", async () => {
    const { page } = seat;
    await using other = await browser.sit(gateway, { viewport: PHONE });
    await other.context.addCookies(await seat.context.cookies());
    await other.open("/console/tasks");
    await other.page.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await seat.open("/console/account");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByText("Everything is stopped").waitFor();
    await other.page.getByText("Everything is stopped").waitFor();
    const refused = await call(gateway, "POST", "/plan", {
      action: "fs.read",
      parameters: { path: "/tmp/a" },
    });
    expect(refused.status).toBe(503);
    await other.page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await expect.poll(() => page.getByText("Everything is stopped").count()).toBe(0);
  });

  it("comes back by itself after the gateway was restarted, and shows what came meanwhile", async () => {
    const { page } = seat;
    await seat.open();
    await page.getByText("Live", { exact: true }).waitFor();
    const { port } = gateway;
    await gateway.stop();
    await page.getByText("Reconnecting").waitFor();
    await gateway.start({ PORT: String(port) });
    await plan(gateway, "fs.write", { path: "/tmp/meanwhile.txt", content: "x" });
    await page.locator(".row", { hasText: "meanwhile.txt" }).waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
  });

  it("a session that ended elsewhere ends here too", async () => {
    await using other = await browser.sit(gateway);
    await other.context.addCookies(await seat.context.cookies());
    await other.open("/console/account");
    await seat.open("/console/account");
    await other.page.getByRole("button", { name: "Sign out" }).click();
    await seat.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await seat.page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await seat.page.getByRole("heading", { name: "Olga Operator" }).waitFor();
  });

  it.each([
    ["desk", DESK, "light"],
    ["desk", DESK, "dark"],
    ["phone", PHONE, "light"],
    ["phone", PHONE, "dark"],
  ] as const)("axe finds nothing serious: %s %j %s", async (_size, viewport, colorScheme) => {
    const { page } = seat;
    const planned = await planRequest(gateway, {
      steps: [
        { action: "fs.write", parameters: { path: "/tmp/a.sh", content: "#!/bin/sh\n\u202E " } },
        { action: "fs.read", parameters: { path: "/tmp/a.sh" } },
      ],
    });
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await seat.open();
    await page.locator(".row").first().waitFor();
    expect(await serious(page)).toEqual([]);
    await seat.open(`/approvals/${planned.task_id}`);
    await page.locator(".decide").waitFor();
    expect(await serious(page)).toEqual([]);
    await seat.readPlan();
    expect(await serious(page)).toEqual([]);
    await page.getByRole("button", { name: "Reject" }).click();
    await page.getByLabel("Propose something else").check();
    expect(await serious(page)).toEqual([]);
    for (const path of ["/console/tasks", "/console/grants", "/console/account"]) {
      await seat.open(path);
      await page.locator("h1").waitFor();
      expect(await serious(page)).toEqual([]);
    }
    await call(gateway, "POST", `/tasks/${planned.task_id}/cancel`, {});
  });

  it("fits a phone: nothing wider than the page, every control large enough for a thumb", async () => {
    const { page } = seat;
    await page.setViewportSize(PHONE);
    const planned = await plan(gateway, "fs.write", {
      path: "/tmp/w.txt",
      content: "w".repeat(900),
    });
    for (const path of ["/console", `/approvals/${planned.task_id}`, "/console/account"]) {
      await seat.open(path);
      await page.locator("main h1, main h2").first().waitFor();
      const width = await page.evaluate("document.documentElement.scrollWidth");
      expect([path, width]).toEqual([path, PHONE.width]);
      const small =
        await page.evaluate(`[...document.querySelectorAll("button, a.row, a.place, a.home, .back a")]
        .filter((element) => element.checkVisibility() && !element.matches(".switch"))
        .map((element) => [element.textContent, Math.round(element.getBoundingClientRect().height)])
        .filter(([, height]) => height < 44)`);
      expect(small).toEqual([]);
    }
  });

  it("between a phone and a desk the top bar is one line, whole", async () => {
    const { page } = seat;
    await page.setViewportSize({ width: 768, height: 1024 });
    await seat.open("/console/account");
    await page.getByRole("heading", { name: "Olga Operator" }).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(768);
    const higher = await page.evaluate(`[...document.querySelectorAll(".place, .stop")]
      .map((element) => [element.textContent, Math.round(element.getBoundingClientRect().height)])
      .filter(([, height]) => height > 46)`);
    expect(higher).toEqual([]);
  });

  it("I11 a page of another origin can neither frame it nor act with its session", async () => {
    const planned = await plan(gateway, "fs.write", { path: "/tmp/x.txt", content: "x" });
    const page = await seat.context.newPage();
    await page.goto(`http://127.0.0.1:${gateway.port}/health`);
    const body = {
      task_id: planned.task_id,
      plan_digest: planned.plan_digest,
      decision: "approve",
    };
    const status = await page.evaluate(
      `fetch("${originOf(gateway)}/confirm", { method: "POST", credentials: "include", mode: "no-cors",
        headers: { "content-type": "text/plain" }, body: ${JSON.stringify(JSON.stringify(body))} })
        .then(({ type }) => type, () => "refused")`,
    );
    expect(["opaque", "refused"]).toContain(status);
    const seen = await call(gateway, "GET", `/tasks/${planned.task_id}`);
    expect(seen.body).toMatchObject({ status: "planned", approvals: [] });
    await page.close();
  });

  async function serious(page: Page): Promise<unknown> {
    await page.evaluate(axe.source);
    return page.evaluate(`axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
      violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))]))`);
  }
});
