import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GuardedAgent } from "../guard/guarded-agent.ts";
import { browserPath, ConsoleBrowser, PHONE, type Seat } from "../support/console-browser.ts";
import { plan } from "../support/flow.ts";

describe.runIf(browserPath)("an agent's task in the console (needs Chromium)", () => {
  let bytebot: GuardedAgent;
  let browser: ConsoleBrowser;
  let seat: Seat;
  beforeAll(async () => {
    bytebot = await GuardedAgent.start();
    browser = await ConsoleBrowser.open();
    seat = await browser.sit(bytebot.gateway, { viewport: PHONE });
    await seat.enrol("Olga Operator");
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await bytebot?.[Symbol.asyncDispose]();
  });

  it("shows what the agent asks, answers it, and shows its pictures and its end", async () => {
    const { page } = seat;
    const started = await bytebot.begin([
      { act: { action: "screenshot" } },
      { needsHelp: "Which file, <b>a</b> or b?" },
      { complete: "Done with b" },
    ]);
    await seat.open(`/console/tasks/${started.id}`);
    await page.locator(".question", { hasText: "Which file, <b>a</b> or b?" }).waitFor();
    await page.getByLabel("Your answer").fill("b, please");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".status.completed").waitFor();
    expect((await started.finished()).status).toBe("completed");
    const said = bytebot.agent.messagesOf(started.agentTaskId);
    expect(JSON.stringify(said)).toContain("b, please");
    await page.locator(".film-strip img").first().waitFor();
    await page.locator(".film-strip button").first().click();
    await page.getByRole("dialog").getByRole("button", { name: "2×" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    expect(seat.complaints).toEqual([]);
  });

  it("takes the desktop from the agent and gives it back", async () => {
    const { page } = seat;
    const started = await bytebot.begin([{ await: new Promise(() => undefined) }]);
    await seat.open(`/console/tasks/${started.id}`);
    await page.getByRole("button", { name: "Take the desktop" }).click();
    await page.getByRole("button", { name: "Give the desktop back" }).click();
    await page.getByRole("button", { name: "Take the desktop" }).waitFor();
    await page.getByRole("button", { name: "Cancel this task" }).click();
    await page.getByRole("button", { name: "Cancel the task" }).click();
    await page.locator(".status.cancelled").waitFor();
    await started.finished();
  });

  it("shows where a click will land, and takes it for read once the picture is there", async () => {
    const { page } = seat;
    const planned = await plan(bytebot.gateway, "mouse.click", { coordinates: { x: 40, y: 30 } });
    await seat.open(`/approvals/${planned.task_id}`);
    await page.locator(".screenshot img").waitFor();
    expect(await page.locator(".caption").innerText()).toContain("40, 30");
    await seat.readPlan();
    expect(seat.complaints).toEqual([]);
  });
});
