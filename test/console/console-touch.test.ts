import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call } from "../support/call.ts";
import { browserPath, ConsoleBrowser } from "../support/console-browser.ts";
import { plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

describe.runIf(browserPath)("a fresh touch for high risk (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  beforeAll(async () => {
    gateway = await startGateway({
      policy: {
        capabilities: {
          "fs.write": { enabled: true, allowed_paths: ["/tmp"], risk_level: "high" },
        },
        confirmation: { passkey: "high" },
      },
    });
    browser = await ConsoleBrowser.open();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  it("is asked of the passkey when the plan is approved, and kept in the audit log", async () => {
    await using seat = await browser.sit(gateway);
    await seat.enrol("Tina Touch");
    const planned = await plan(gateway, "fs.write", { path: "/tmp/a.txt", content: "x" });
    await seat.open(`/approvals/${planned.task_id}`);
    await seat.approve();
    await seat.page.locator(".status.ready").first().waitFor();
    const { body } = await call<{ records: { type: string; details: object }[] }>(
      gateway,
      "GET",
      `/audit?task_id=${planned.task_id}`,
      undefined,
      gateway.keys.approver,
    );
    const confirmed = body.records.find(({ type }) => type === "task.confirmed");
    expect(JSON.stringify(confirmed)).toContain("client_data_json");
    expect(seat.complaints).toEqual([]);

    // Without the passkey the plan waits on, and the page says why.
    const second = await plan(gateway, "fs.write", { path: "/tmp/b.txt", content: "x" });
    await seat.refuseTouch();
    await seat.open(`/approvals/${second.task_id}`);
    await seat.approve();
    await seat.page.locator(".decide .problem").waitFor();
    expect((await task(gateway, second.task_id)).approvals).toEqual([]);
  });
});
